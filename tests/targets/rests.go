// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with a C library in it: it allocates in either, for ever.
package main

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"time"
)

var kept []byte

func main() {
	fmt.Println("ready", os.Getpid())
	for {
		C.free(C.malloc(100))
		kept = make([]byte, 1000)
		time.Sleep(time.Millisecond)
	}
}
