// SPDX-License-Identifier: GPL-2.0-or-later

// 1000 goroutines that wait in known functions for known reasons, and what Go itself says of their
// stacks, as its own goroutine profile shows them.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	mutex   sync.Mutex
	rwmutex sync.RWMutex
	cond    = sync.NewCond(&sync.Mutex{})
	group   sync.WaitGroup
	empty   = make(chan int)
	spin    = 1
)

//go:noinline
func WaitsForMutex() { mutex.Lock() }

//go:noinline
func WaitsForWriter() { rwmutex.RLock() }

//go:noinline
func WaitsForReader() { rwmutex.Lock() }

//go:noinline
func WaitsForCond() {
	cond.L.Lock()
	cond.Wait()
}

//go:noinline
func WaitsForGroup() { group.Wait() }

//go:noinline
func WaitsToReceive() { <-empty }

// Deeper than Go's own profile shows.
//
//go:noinline
func Far() { <-empty }

//go:noinline
func WaitsToSend() { make(chan int) <- 1 }

//go:noinline
func WaitsInSelect() {
	select {
	case <-empty:
	case <-make(chan int):
	}
}

//go:noinline
func Sleeps() { time.Sleep(time.Hour) }

//go:noinline
func WaitsForInput(f *os.File) { f.Read(make([]byte, 1)) }

//go:noinline
func WaitsInCall(fd int) { syscall.Read(fd, make([]byte, 1)) }

//go:noinline
func Runs() {
	for spin != 0 {
	}
}

//go:noinline
func Deep(n int, f func()) {
	var pad [64]byte
	if n == 0 {
		f()
	} else {
		Deep(n-1, f)
	}
	pad[n%64]++
}

// What a viewer shows: without the runtime's wrappers, which only begin a goroutine.
func tell() {
	records := make([]runtime.StackRecord, 2000)
	n, _ := runtime.GoroutineProfile(records)
	counts := map[string]int{}
	for i := 0; i < n; i++ {
		var names []string
		frames := runtime.CallersFrames(records[i].Stack())
		for {
			frame, more := frames.Next()
			names = append(names, frame.Function)
			if !more {
				break
			}
		}
		counts[strings.Join(names, ";")]++
	}
	for stack, n := range counts {
		if strings.Contains(stack, "main.Wait") || strings.Contains(stack, "main.Sleeps") {
			fmt.Printf("stack %d %s\n", n, stack)
		}
	}
}

func main() {
	mutex.Lock()
	rwmutex.RLock()
	group.Add(1)
	var fds [2]int
	syscall.Pipe(fds[:])
	for i := 0; i < 100; i++ {
		go WaitsForMutex()
		go WaitsForCond()
		go WaitsForGroup()
		go WaitsToSend()
		go WaitsInSelect()
		go Sleeps()
	}
	for i := 0; i < 300; i++ {
		go WaitsToReceive()
	}
	for i := 0; i < 30; i++ {
		go Deep(20, WaitsToReceive)
	}
	for i := 0; i < 50; i++ {
		r, _, _ := os.Pipe()
		go WaitsForInput(r)
	}
	for i := 0; i < 10; i++ {
		go Deep(900, Far)
	}
	for i := 0; i < 8; i++ {
		go WaitsInCall(fds[0])
	}
	go WaitsForReader()
	time.Sleep(100 * time.Millisecond)
	for i := 0; i < 10; i++ {
		go WaitsForWriter()
	}
	go Runs()
	time.Sleep(300 * time.Millisecond)
	tell()
	fmt.Println("ready", os.Getpid())
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
}
