// SPDX-License-Identifier: GPL-2.0-or-later
// Threads of Go's runtime: 20 goroutines that each keep one, after a line of input. None of them ends
// before the program does, so all that there ever were are in its task folder.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

//go:noinline
func Keep(wait *sync.WaitGroup, all *sync.WaitGroup) {
	runtime.LockOSThread()
	all.Done()
	all.Wait()
	runtime.UnlockOSThread()
	wait.Done()
}

func threads() int {
	list, _ := os.ReadDir("/proc/self/task")
	return len(list)
}

// Some are only asked for when the goroutine that needs them has gone on.
func settled() int {
	for n := 0; ; {
		before := n
		time.Sleep(100 * time.Millisecond)
		if n = threads(); n == before {
			return n
		}
	}
}

func main() {
	fmt.Println("ready 0")
	bufio.NewReader(os.Stdin).ReadString('\n')
	var wait, all sync.WaitGroup
	wait.Add(20)
	all.Add(20)
	for i := 0; i < 20; i++ {
		go Keep(&wait, &all)
	}
	wait.Wait()
	fmt.Println("truth threads", settled())
}
