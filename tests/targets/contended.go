// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines that wait for a mutex and for a channel, and how long they did: no thread is blocked
// for them.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

var (
	stock   sync.Mutex
	slow    = make(chan int)
	stopped = make(chan os.Signal, 1)
	over    bool
	all     sync.WaitGroup
)

type waits struct {
	sum   time.Duration
	count int
}

func (w *waits) add(since time.Time) {
	took := time.Since(since)
	w.sum += took
	if took > time.Millisecond {
		w.count++
	}
}

//go:noinline
func TakeFromStock(w *waits) {
	began := time.Now()
	stock.Lock()
	w.add(began)
	stock.Unlock()
}

//go:noinline
func TakeFromChannel(w *waits) {
	began := time.Now()
	<-slow
	w.add(began)
}

func main() {
	var lock [3]waits
	var channel waits

	for i := range lock {
		all.Add(1)
		go func(w *waits, pause time.Duration) {
			for !over {
				TakeFromStock(w)
				time.Sleep(pause)
			}
			all.Done()
		}(&lock[i], time.Duration(i+1)*700*time.Microsecond)
	}
	all.Add(1)
	go func() {
		for !over {
			TakeFromChannel(&channel)
		}
		all.Done()
	}()
	signal.Notify(stopped, syscall.SIGTERM)
	fmt.Println("ready", os.Getpid())
	began := time.Now()
	for len(stopped) == 0 {
		stock.Lock()
		time.Sleep(25 * time.Millisecond)
		stock.Unlock()
		time.Sleep(4 * time.Millisecond)
		slow <- 1
	}
	took := time.Since(began)
	over = true
	close(slow)
	all.Wait()
	var sum waits
	for _, w := range lock {
		sum.sum += w.sum
		sum.count += w.count
	}
	fmt.Println("truth mutex", sum.sum.Nanoseconds())
	fmt.Println("truth mutex_waits", sum.count)
	fmt.Println("truth chan", channel.sum.Nanoseconds())
	fmt.Println("truth chan_waits", channel.count)
	fmt.Println("truth took", took.Nanoseconds())
}
