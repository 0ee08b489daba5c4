// SPDX-License-Identifier: GPL-2.0-or-later

// go_pprof [WORD...]: Go's own net/http/pprof on a free port of 127.0.0.1, with all that there is to
// profile: contended mutexes, waits, garbage, a little CPU time, goroutines with labels. Says
// "ready PID" and, on stderr, "serving http://127.0.0.1:PORT/". /version is that of Go.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var (
	mutex sync.Mutex
	kept  [16][]byte
)

//go:noinline
func contend(pause time.Duration) {
	for {
		mutex.Lock()
		time.Sleep(pause)
		mutex.Unlock()
		time.Sleep(pause)
	}
}

//go:noinline
func burn() {
	for i := 0; ; i++ {
		kept[i%len(kept)] = make([]byte, 1<<16)
		for start := time.Now(); time.Since(start) < time.Millisecond; {
		}
		time.Sleep(9 * time.Millisecond)
	}
}

//go:noinline
func park(context.Context) { select {} }

func main() {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	for i := 0; i < 3; i++ {
		go contend(2 * time.Millisecond)
		go pprof.Do(context.Background(), pprof.Labels("kind", "a \"quoted\"\nword", "also", "this"), park)
	}
	go burn()
	http.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, runtime.Version()) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "serving http://%s/\n", listener.Addr())
	fmt.Printf("ready %d\n", os.Getpid())
	// One second more than what a server of ours takes: the error of older versions of Go comes then.
	server := &http.Server{WriteTimeout: 3601 * time.Second}
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}
