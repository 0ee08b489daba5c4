// SPDX-License-Identifier: GPL-2.0-or-later

// Makes Go's runtime leave the goroutine's stack for known functions: Grow has its stack copied at
// each doubling, Fill asks for large pieces of memory and leaves them to the collector, Clock asks
// for the time.
package main

import (
	"fmt"
	"os"
	"time"
)

var kept [64][]byte
var sink int

//go:noinline
func Deep(n int) int {
	var pad [64]int
	if n == 0 {
		return pad[sink&1]
	}
	pad[n%64] = Deep(n-1) + 1
	return pad[n%64]
}

//go:noinline
func Grow(done chan int) {
	done <- Deep(25)
}

//go:noinline
func Fill(n int) {
	for i := 0; i < n; i++ {
		kept[i%64] = make([]byte, 40000+i%7*8192)
	}
}

//go:noinline
func Clock(n int) {
	for i := 0; i < n; i++ {
		sink += time.Now().Second()
	}
}

//go:noinline
func Loop(stop time.Time) {
	done := make(chan int)
	for time.Now().Before(stop) {
		for i := 0; i < 200; i++ {
			go Grow(done)
			sink += <-done
		}
		Fill(100)
		Clock(30000)
	}
}

func main() {
	fmt.Println("ready", os.Getpid())
	seconds := 5
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &seconds)
	}
	Loop(time.Now().Add(time.Duration(seconds) * time.Second))
}
