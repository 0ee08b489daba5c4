// SPDX-License-Identifier: GPL-2.0-or-later

// A C function that computes, called by known Go functions.
package main

/*
__attribute__((noinline)) static unsigned long c_work(unsigned long n)
{
	volatile unsigned long x = 1;

	for (unsigned long i = 0; i < n; i++)
		x = x * 3 + i;
	return x;
}

__attribute__((noinline)) unsigned long c_outer(unsigned long n)
{
	return c_work(n) + 1;
}
*/
import "C"

import (
	"fmt"
	"os"
	"time"
)

//go:noinline
func Inner(n int) uint64 {
	return uint64(C.c_outer(C.ulong(n))) + 1
}

//go:noinline
func Outer(stop time.Time) (sum uint64) {
	for time.Now().Before(stop) {
		sum += Inner(100000)
	}
	return sum
}

func main() {
	fmt.Println("ready", os.Getpid())
	seconds := 5
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &seconds)
	}
	fmt.Println(Outer(time.Now().Add(time.Duration(seconds) * time.Second)))
}
