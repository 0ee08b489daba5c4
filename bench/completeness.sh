#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How many stacks of real programs under load are complete, and why the others are not; and how long
# after the last sample of a compiler's 20 s the profile is on disk. What is not installed is left
# out by name. Argument: SECONDS for each program.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-8}
cd "$WORK" || exit 1
chmod 755 "$WORK"
port=$((20000 + $$ % 20000))

# background COMMAND...: goes on until end_of_row
row_pids=()
background()
{
	"$@" >"$WORK/load.out" 2>&1 </dev/null &
	row_pids+=($!)
	started+=($!)
}
forever() { while "$@"; do :; done; }

end_of_row()
{
	local p

	for p in "${row_pids[@]}"; do
		pkill -P "$p" 2>/dev/null
		kill "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	row_pids=()
}

# One line of a profile: a stack that was not followed to its root says why there.
line_of() # NAME FILE
{
	python3 - "$LIB" "$1" "$2" <<'P'
import collections, sys
sys.path.insert(0, sys.argv[1])
import proof
ends, guessed, short, n = collections.Counter(), 0, 0, 0
for s in proof.Profile(sys.argv[3]).samples:
    if not proof.stands_for_samples(s):
        continue
    names, count = s.all_names(), max(s.values[0], 1)
    n += count
    guessed += count if "[guessed step]" in names else 0
    short += count if names[-1] == "[stack copy too short]" else 0
    if proof.CUT.match(names[-1]):
        ends[names[-1]] += count
whole = n - sum(ends.values())
share = lambda part: 100 * part / n if n else 0
print(f"{sys.argv[2]:<12} {n:>8} {share(whole):>10.2f} {share(short):>10.2f} {share(guessed):>10.2f}  "
      + ", ".join(f"{name} {count}" for name, count in ends.most_common(3)))
P
}

row() # NAME PROFILER-ARGUMENTS...
{
	local name=$1

	shift
	if "${VIEW[@]}" "$CPPROF" "$@" -seconds "$seconds" -hz 200 -profile cpu -o "$WORK/c.pb.gz" -q 2>"$WORK/run.err" </dev/null; then
		line_of "$name" "$WORK/c.pb.gz"
	else
		echo "$name: $(head -1 "$WORK/run.err")"
	fi
	end_of_row
}

has()
{
	command -v "$1" >/dev/null && return
	echo "$1: not installed"
	return 1
}

# --- the programs ---

server_up() # COMMAND...: until it succeeds
{
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	echo "not up: $*"
	return 1
}

redis()
{
	has redis-server && has redis-benchmark || return
	background redis-server --port 0 --unixsocket "$WORK/redis.sock" --save '' --dir "$WORK"
	local server=${row_pids[-1]}
	server_up [ -S "$WORK/redis.sock" ] || return
	background redis-benchmark -s "$WORK/redis.sock" -q -l -c 20 -t set,get,lpush,lrange_100
	sleep 0.5
	row redis -p "$server"
}

postgres()
{
	local bin
	bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
	has pgbench && id postgres >/dev/null 2>&1 && [ -x "$bin/initdb" ] || return
	local as=(setpriv --reuid postgres --regid postgres --init-groups env HOME="$WORK/pg")
	mkdir "$WORK/pg" && chown postgres "$WORK/pg"
	cd "$WORK/pg" || return
	"${as[@]}" "$bin/initdb" -A trust -N -D "$WORK/pg/data" >"$WORK/initdb.log" 2>&1
	background "${as[@]}" "$bin/postgres" -D "$WORK/pg/data" -k "$WORK/pg" -c listen_addresses= -c fsync=off
	local server=${row_pids[-1]}
	server_up "$bin/pg_isready" -q -h "$WORK/pg" || return
	"${as[@]}" "$bin/pgbench" -h "$WORK/pg" -i -q -s 2 postgres >"$WORK/init.log" 2>&1
	background "${as[@]}" "$bin/pgbench" -h "$WORK/pg" -n -c 3 -T 600 postgres
	sleep 1
	row postgres -p "$server" -children
	cd "$WORK" || exit 1
	server_up sh -c "! kill -0 $server" # its folder goes with us
}

web_server() # NAME PID: under ab
{
	has ab && server_up ab -q -n 1 "http://127.0.0.1:$port/" || return
	background ab -q -t 600 -n 100000000 -c 8 "http://127.0.0.1:$port/"
	sleep 0.5
	row "$1" -p "$2" -children
	port=$((port + 1))
}

nginx_()
{
	has nginx || return
	mkdir -p "$WORK/www" && chmod 755 "$WORK/www"
	head -c 20000 /dev/zero | tr '\0' x >"$WORK/www/index.html"
	cat >"$WORK/nginx.conf" <<END
daemon off; worker_processes 2; pid $WORK/nginx.pid; error_log $WORK/error.log;
events { worker_connections 256; }
http { access_log off; server { listen 127.0.0.1:$port; root $WORK/www; } }
END
	background nginx -c "$WORK/nginx.conf"
	web_server nginx "${row_pids[-1]}"
}

python()
{
	background python3 -c 'import json, re
while True:
    t = json.dumps({str(i): [i, i * 0.5] for i in range(300)})
    sorted(re.findall(r"\d+", t), key=lambda s: (len(s), s))'
	sleep 0.5
	row python3 -p "${row_pids[-1]}"
}

perl_()
{
	has perl || return
	background perl -e 'sub f { my $n = shift; return $n ? join(",", sort { $a <=> $b } map { f($n - 1) . $_ } 1..2) : 1 } f(8) while 1'
	sleep 0.5
	row perl -p "${row_pids[-1]}"
}

node_()
{
	has node || return
	cat >"$WORK/load.js" <<'END'
function sort(a) { return a.map((x) => ({ k: x % 97, s: String(x) })).sort((p, q) => p.k - q.k || (p.s < q.s ? -1 : 1)); }
function tree(n) { return n ? { l: tree(n - 1), r: tree(n - 1), v: n } : null; }
function count(t) { return t ? 1 + count(t.l) + count(t.r) : 0; }
const a = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5003);
for (;;) { JSON.parse(JSON.stringify(sort(a))); count(tree(12)); /(\w+)\s(\w+)/.exec("some words"); }
END
	background node --perf-basic-prof --interpreted-frames-native-stack "$WORK/load.js"
	sleep 2
	row node -p "${row_pids[-1]}"
}

java_()
{
	has java && has jcmd || return
	cat >"$WORK/Load.java" <<'END'
import java.util.*;
public class Load {
	static int depth(int n) { return n == 0 ? 1 : 1 + depth(n - 1); }
	static long sort(int n) {
		List<String> v = new ArrayList<>();
		for (int i = 0; i < n; i++) v.add(Integer.toString(i * 7919 % 5003));
		Collections.sort(v);
		Map<String, Integer> m = new HashMap<>();
		for (String s : v) m.merge(s, 1, Integer::sum);
		return m.size() + depth(40);
	}
	public static void main(String[] a) { long s = 0; for (;;) s += sort(3000); }
}
END
	background java -XX:+PreserveFramePointer "$WORK/Load.java"
	sleep 4
	jcmd "${row_pids[-1]}" Compiler.perfmap >/dev/null 2>&1
	row java -p "${row_pids[-1]}"
}

go_()
{
	has go || return
	cat >"$WORK/server.go" <<END
package main
import ("encoding/json"; "net/http"; "sort")
func page(w http.ResponseWriter, r *http.Request) {
	v := make([]int, 500)
	for i := range v { v[i] = i * 7919 % 503 }
	sort.Ints(v)
	json.NewEncoder(w).Encode(map[string]any{"v": v, "u": r.URL.Path})
}
func main() { http.HandleFunc("/", page); http.ListenAndServe("127.0.0.1:$port", nil) }
END
	GOCACHE=$WORK/gocache GO111MODULE=off GOTOOLCHAIN=local go build -o "$WORK/server-go" "$WORK/server.go" || return
	background "$WORK/server-go"
	web_server "go server" "${row_pids[-1]}"
}

rust_()
{
	has rustc || return
	cat >"$WORK/server.rs" <<END
use std::io::{Read, Write};
fn page() -> String {
    let mut v: Vec<String> = (0..500).map(|i| (i * 7919 % 503).to_string()).collect();
    v.sort();
    v.join(",")
}
fn main() {
    for s in std::net::TcpListener::bind("127.0.0.1:$port").unwrap().incoming() {
        std::thread::spawn(move || {
            let mut s = s.unwrap();
            let mut b = [0; 4096];
            let _ = s.read(&mut b);
            let p = page();
            let _ = write!(s, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{}", p.len(), p);
        });
    }
}
END
	rustc -O -o "$WORK/server-rust" "$WORK/server.rs" 2>/dev/null || return
	background "$WORK/server-rust"
	web_server "rust server" "${row_pids[-1]}"
}

ffmpeg_()
{
	has ffmpeg || return
	background ffmpeg -nostdin -v error -f lavfi -i testsrc=size=640x360:rate=30 -t 600 -c:v libx264 -f null -
	sleep 1
	row ffmpeg -p "${row_pids[-1]}"
}

openssl_()
{
	has openssl || return
	background openssl speed -seconds 3 sha256 rsa2048 ecdsap256
	sleep 0.3
	row openssl -p "${row_pids[-1]}"
}

compiler() # NAME COMMAND...
{
	local name=$1

	shift
	has "$1" || return
	background forever "$@" -std=c++17 -O2 -g -DN=1 -c "$BENCH/unit.cc" -o "$WORK/unit.o"
	sleep 0.3
	row "$name" -p "${row_pids[-1]}" -children
}

# A window of 20 s: all that the run takes longer, its start included, is more than what it takes after
# the last sample.
at_end() # NAME COMMAND...
{
	local name=$1 begin

	shift
	has "$1" || return
	background forever "$@" -std=c++17 -O2 -g -DN=1 -c "$BENCH/unit.cc" -o "$WORK/unit.o"
	sleep 0.3
	begin=$(date +%s.%N)
	"${VIEW[@]}" "$CPPROF" -p "${row_pids[-1]}" -children -seconds 20 -profile cpu -o "$WORK/c.pb.gz" -q </dev/null
	awk -v name="$name" -v begin="$begin" -v end="$(date +%s.%N)" -v n="$(samples_in "$WORK/c.pb.gz")" \
		'BEGIN { printf "%s: %d samples of 20 s on disk in %.2f s more\n", name, n, end - begin - 20 }'
	end_of_row
}

printf '%-12s %8s %10s %10s %10s\n' program samples "complete %" "cut %" "guessed %"
redis; postgres; nginx_; python; perl_; node_; java_; go_; rust_; ffmpeg_; openssl_
compiler cc1plus g++
compiler clang++ clang++
at_end clang++ clang++
