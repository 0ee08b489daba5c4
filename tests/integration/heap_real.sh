#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The heap of real programs beside what each says of its own memory: redis's INFO memory, PostgreSQL's
# memory contexts, python's sizes of objects, nginx's count of requests, and programs in C++ and Rust that
# count in their own allocators. None is hurt.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/heap.sh"
need python3 redis-server redis-cli redis-benchmark nginx ab g++ rustc
chmod 755 "$WORK"

# redis counts what jemalloc made of what was asked for: up to a quarter more.
redis-server --port 0 --unixsocket "$WORK/redis.sock" --save '' --appendonly no --dir "$WORK" --hz 1 \
	--jemalloc-bg-thread no >"$WORK/redis.log" 2>&1 &
server=$!
started+=("$server")
cli() { redis-cli -s "$WORK/redis.sock" "$@"; }
used() { cli info memory | tr -d '\r' | sed -n 's/^used_memory://p'; }
wait_for cli ping
cli ping >/dev/null
heap_begin $server redis
before=$(used)
redis-benchmark -s "$WORK/redis.sock" -q -P 16 -t set -n 40000 -r 1000000000 -d 600 >/dev/null 2>&1
cli ping >/dev/null
after=$(used)
heap_end redis
within redis inuse_space "($after - $before) / 1.25" "$after - $before"
stop_target $server

# What takes more samples than the probe has room for (512) rests in between, for us to get a CPU.
# python: what the sizes of its objects add up to, all of them from malloc.
cat >"$WORK/objects.py" <<'END'
import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
kept = []
for i in range(60000):
    kept.append(bytes(100 + i % 900))
    bytes(1000)
    if i % 2000 == 0:
        time.sleep(0.02)
print("said", sum(map(sys.getsizeof, kept)) + sys.getsizeof(kept), 60000 * sys.getsizeof(bytes(1000)), flush=True)
signal.sigwait([signal.SIGUSR2])
END
PYTHONMALLOC=malloc /usr/bin/python3 "$WORK/objects.py" >"$WORK/objects.out" &
python=$!
started+=("$python")
wait_for grep -q ready "$WORK/objects.out"
heap_begin $python python
kill -USR1 $python
wait_for grep -q said "$WORK/objects.out"
heap_end python
said=$(awk '$1 == "said" { print $2 }' "$WORK/objects.out")
freed=$(awk '$1 == "said" { print $3 }' "$WORK/objects.out")
within python inuse_space "$said" "$said + 200000"
# Besides, some numbers for each object; and the list that grows is moved now and then.
within python alloc_space "$said + $freed" "$said + $freed + 60000 * (6 * 32 + 12 * 8)"
kill -USR2 $python
wait $python
check_equal "python: ends well" 0 $?

# python as it comes: objects of up to 512 bytes are in arenas, and it says itself how many of these it has. A
# page of its dictionary of arenas (a radix tree) and its heap besides are small.
cat >"$WORK/arenas.py" <<'END'
import os, re, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
def account():
    out, got = os.dup(2), os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(got, 2)
    sys._debugmallocstats()
    os.dup2(out, 2)
    n, each = re.search(r"(\d+) arenas \* (\d+) bytes/arena", os.pread(got, 1 << 20, 0).decode()).groups()
    os.close(got)
    os.close(out)
    resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
    return int(n) * int(each), resident
before = account()
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
kept = []
for i in range(150000):
    kept.append((i, "%d" % i))
after = account()
print("said", after[0] - before[0], after[1] - before[1], sys.getsizeof(kept), flush=True)
signal.sigwait([signal.SIGUSR2])
END
# arenas NAME OPTION...: runs it with the probe; sets "arena" bytes, "resident" bytes and those of its "list"
arenas()
{
	/usr/bin/python3 "$WORK/arenas.py" "$WORK/account" >"$WORK/$1.out" &
	python=$!
	started+=("$python")
	wait_for grep -q ready "$WORK/$1.out"
	heap_begin $python "$1" 65536 "${@:2}"
	kill -USR1 $python
	wait_for grep -q said "$WORK/$1.out"
	heap_end "$1"
	read -r _ arena resident list < <(grep said "$WORK/$1.out")
	kill -USR2 $python
	wait $python
	check_equal "$1: ends well" 0 $?
}
arenas "python with -alloc-mmap" -alloc-mmap
check_number "python with -alloc-mmap: its arenas are most of it" "$arena > 10000000 && $arena < 1.1 * $resident"
within "python with -alloc-mmap" inuse_space "$arena + $list" "$arena + $list + 500000"
check "python with -alloc-mmap: nothing is said to be missing" test "$(grep -c "python keeps" "$WORK/run.err")" = 0
arenas "python as it comes"
within "python as it comes" inuse_space "$list" "$list + 500000"
check "python as it comes: said" grep -q "python keeps objects of up to 512 bytes in arenas" "$WORK/run.err"

# nginx: for each request one or two pools of 4096 bytes, and the connection's of 512 with its buffer; all
# of it given back.
port=$((20000 + $$ % 20000))
mkdir "$WORK/www"
chmod 755 "$WORK/www"
echo hello >"$WORK/www/index.html"
cat >"$WORK/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $WORK/nginx.pid;
error_log $WORK/error.log;
events { worker_connections 64; }
http { access_log off; server { listen 127.0.0.1:$port; root $WORK/www; } }
END
nginx -c "$WORK/nginx.conf" 2>"$WORK/nginx.out" &
master=$!
started+=("$master")
wait_for ab -q -n 1 "http://127.0.0.1:$port/"
heap_begin "$(tr -d ' ' </proc/$master/task/$master/children)" nginx
ab -q -n 6000 -c 4 "http://127.0.0.1:$port/" >"$WORK/ab.out" 2>&1
heap_end nginx
check_number "nginx: requests that failed" "$(awk '/Failed requests/ { print $3 }' "$WORK/ab.out") == 0"
within nginx alloc_space "6000 * (4096 + 512)" "6000 * 2 * (4096 + 512 + 1024)"
within nginx inuse_space 0 50000
kill -QUIT $master
wait $master
check_equal "nginx: ends well" 0 $?

# Each work of these says what it asked for, and what of that it gave back.
cat >"$WORK/nodes.cc" <<'END'
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

static size_t asked;

void *operator new(size_t n)
{
	asked += n;
	if (void *p = malloc(n))
		return p;
	throw std::bad_alloc();
}
void operator delete(void *p) noexcept { free(p); }
void operator delete(void *p, size_t) noexcept { free(p); }

static void wait_for(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigwait(&set, &signal);
}

int main()
{
	std::map<int, std::string> kept;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	puts("ready");
	fflush(stdout);
	wait_for(SIGUSR1);
	size_t before = asked;
	for (int i = 0; i < 50000; i++)
		kept[i] = std::string(50 + i % 500, 'x');
	size_t live = asked - before;
	for (int i = 0; i < 20000; i++)
		std::make_unique<std::vector<char>>(300)->at(0) = 1;
	printf("said %zu %zu\n", live, asked - before);
	fflush(stdout);
	wait_for(SIGTERM);
}
END
cat >"$WORK/counts.rs" <<'END'
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;
static ASKED: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        ASKED.fetch_add(l.size(), Relaxed);
        LIVE.fetch_add(l.size(), Relaxed);
        System.alloc(l)
    }
    unsafe fn dealloc(&self, p: *mut u8, l: Layout) {
        LIVE.fetch_sub(l.size(), Relaxed);
        System.dealloc(p, l)
    }
    unsafe fn realloc(&self, p: *mut u8, l: Layout, n: usize) -> *mut u8 {
        ASKED.fetch_add(n, Relaxed);
        LIVE.fetch_add(n, Relaxed);
        LIVE.fetch_sub(l.size(), Relaxed);
        System.realloc(p, l, n)
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

fn main() {
    let mut byte = [0u8];
    println!("ready");
    std::io::stdin().read_exact(&mut byte).unwrap();
    let (asked, live) = (ASKED.load(Relaxed), LIVE.load(Relaxed));
    let mut kept: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for i in 0..30000 {
        let v = kept.entry(i).or_default();
        for _ in 0..20 {
            v.extend_from_slice(&[1u8; 24]);
        }
        if i % 2000 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    println!("said {} {}", LIVE.load(Relaxed) - live, ASKED.load(Relaxed) - asked);
    let _ = std::io::stdin().read_exact(&mut byte);
}
END
counted() # NAME COMMAND WORD...: the command begins the work and waits for what it says
{
	heap_begin "$TARGET" "$1"
	"${@:2}"
	wait_for grep -q said "$WORK/$1.out"
	heap_end "$1"
	local live all
	read -r _ live all < <(grep said "$WORK/$1.out")
	within "$1" inuse_space "$live" "$live"
	within "$1" alloc_space "$all" "$all"
}

check "a C++ program" g++ -O1 -o "$WORK/nodes" "$WORK/nodes.cc"
"$WORK/nodes" >"$WORK/c++.out" &
TARGET=$!
started+=("$TARGET")
wait_for grep -q ready "$WORK/c++.out"
counted c++ kill -USR1 "$TARGET"
check "c++: ends well" stop_target
check "a Rust program" rustc -O -o "$WORK/counts" "$WORK/counts.rs"
mkfifo "$WORK/to"
"$WORK/counts" <"$WORK/to" >"$WORK/rust.out" &
TARGET=$!
started+=("$TARGET")
exec 7>"$WORK/to"
wait_for grep -q ready "$WORK/rust.out"
tell_rust() { printf x >&7; }
counted rust tell_rust
exec 7>&-
wait "$TARGET"
check_equal "rust: ends well" 0 $?
finish
