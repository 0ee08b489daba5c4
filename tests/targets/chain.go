// SPDX-License-Identifier: GPL-2.0-or-later

// Down calls itself 40 times and then Leaf, into which mix and twist are inlined.
package main

import (
	"fmt"
	"os"
	"time"
)

var sink uint64

//go:noinline
func Leaf(n uint64) uint64 {
	x := n
	for i := uint64(0); i < 20000; i++ {
		x = mix(x)
	}
	return x
}

func mix(x uint64) uint64 { return twist(x) + 1 }

func twist(x uint64) uint64 {
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	return x * 0x2545F4914F6CDD1D
}

//go:noinline
func Down(depth int, n uint64) uint64 {
	var pad [7]uint64
	if depth == 0 {
		return Leaf(n)
	}
	pad[depth%7] = Down(depth-1, n+1)
	return pad[depth%7] + 1
}

type worker struct{ depth int }

//go:noinline
func (w *worker) Run(stop time.Time) {
	for time.Now().Before(stop) {
		for i := 0; i < 100; i++ {
			sink += Down(w.depth, uint64(i)+sink)
		}
	}
}

func main() {
	fmt.Println("ready", os.Getpid())
	seconds := 5
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &seconds)
	}
	done := make(chan bool)
	w := &worker{40}
	go func() { w.Run(time.Now().Add(time.Duration(seconds) * time.Second)); done <- true }()
	<-done
}
