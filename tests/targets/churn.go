// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines that call, wait, grow and end without pause: each has one of few possible stacks.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

//go:noinline
func Ping(n int, in, out chan int) {
	if n > 0 {
		Ping(n-1, in, out)
		return
	}
	PingWait(in, out)
}

//go:noinline
func PingWait(in, out chan int) { v := <-in; out <- v }

//go:noinline
func Pong(n int, in, out chan int) {
	if n > 0 {
		Pong(n-1, in, out)
		return
	}
	PongWait(in, out)
}

//go:noinline
func PongWait(in, out chan int) { v := <-in; out <- v }

//go:noinline
func Calls(n int) {
	if n > 0 {
		Calls(n - 1)
		return
	}
	syscall.Getppid()
	syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
}

//go:noinline
func Locks(n int, m *sync.Mutex) {
	if n > 0 {
		Locks(n-1, m)
		return
	}
	m.Lock()
	for i := 0; i < 1000; i++ {
	}
	m.Unlock()
}

//go:noinline
func Grows(n int) byte {
	var b [512]byte
	if n > 0 {
		return Grows(n-1) + b[n]
	}
	runtime.Gosched()
	return b[0]
}

func loop(f func(i int)) {
	for i := 0; ; i++ {
		f(i)
	}
}

func main() {
	var m sync.Mutex
	for i := 0; i < 8; i++ {
		a, b := make(chan int), make(chan int)
		go loop(func(i int) { Ping(i%7, a, b) })
		go loop(func(i int) { Pong(i%5, b, a) })
		a <- 1
		go loop(func(i int) { Calls(i % 6) })
		go loop(func(i int) { Locks(i%4, &m) })
		go func() {
			for i := 0; ; i++ {
				done := make(chan bool)
				go func() { Grows(i % 40); done <- true }()
				<-done
			}
		}()
	}
	fmt.Println("ready", os.Getpid())
	time.Sleep(time.Hour)
}
