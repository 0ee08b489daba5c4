#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which functions the heap profiles see: all that allocate, of jemalloc, tcmalloc, mimalloc, glibc and musl, of a program's own
# allocator and of a library's, each allocation once. And programs in which there is nothing to see, which stay as they are.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/serve.sh"
need python3 make gcc g++ musl-gcc go
RATE=4096

state() { python3 "$LIB/process_state.py" "$1"; }

# until_said FILE WORDS
until_said() { local i; for ((i = 0; i < 500; i++)); do grep -q "$2" "$1" 2>/dev/null && return; sleep 0.02; done; return 1; }

# seen NAME PLACES PRELOAD OPTIONS PROGRAM ABSENT...: what is found wrong or right, in lines for relay
seen()
{
	local name=$1 places=$2 preload=$3 options=$4 program=$5 dir=$WORK/$1 target run lost

	shift 5
	mkdir "$dir"
	LD_PRELOAD=$preload "$VARIANTS/$program" >"$dir/target" &
	target=$!
	until_said "$dir/target" "^ready" || echo "FAIL: $name: it does not run"
	state $target >"$dir/before"
	# shellcheck disable=SC2086
	"$CPPROF" -p $target -profile allocs -heap-rate $RATE -seconds 0 $options -o "$dir/pb.gz" >"$dir/out" 2>"$dir/err" &
	run=$!
	until_said "$dir/err" "sampling the allocations" || echo "FAIL: $name: no probe"
	kill -USR1 $target
	until_said "$dir/target" "truth done" || echo "FAIL: $name: it does not end"
	kill -INT $run
	wait $run || echo "FAIL: $name: status $?: $(head -3 "$dir/err")"
	sleep 0.1
	state $target >"$dir/after"
	cmp -s "$dir/before" "$dir/after" || [ "$name" = own ] || echo "FAIL: $name: not as before"
	[ "$name" != own ] || until_said "$dir/target" "truth restored" || echo "FAIL: $name: the slot is not as before"
	proof stacks "$dir/pb.gz" >"$dir/stacks"
	lost=$(sed -n 's/.*lost: \([0-9]*\) for want of room.*/\1/p' "$dir/err")
	if python3 "$LIB/heap_places.py" "$dir/target" "$dir/stacks" $RATE "${lost:-x}" "$@" >"$dir/held" 2>&1 &&
		[ "$(cat "$dir/held")" = "$places places" ]; then
		echo "pass: $name: $places places within 4 sigma"
	else
		echo "FAIL: $name: $(tail -1 "$dir/held")"
	fi
	kill -0 $target || echo "FAIL: $name: harmed"
	kill $target
}

# library NAME: where it is
library() { ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }'; }

variants allocators
at_once=()
begin() # as seen; those that are begun go on beside each other
{
	seen "$@" >"$WORK/$1.lines" 2>&1 &
	at_once+=("$!:$1")
}
collect()
{
	local each

	for each in "${at_once[@]}"; do
		wait "${each%%:*}"
		relay "$WORK/${each#*:}.lines"
	done
	at_once=()
}
for each in jemalloc.so.2:12 tcmalloc_minimal.so.4:11 mimalloc.so.2:17; do
	file=$(library "lib${each%:*}")
	if [ "$file" ]; then
		begin "${each%%.*}" "${each#*:}" "$file" "" allocators_plain at_mmap
	else
		skip "no lib${each%:*}"
	fi
done
collect
# mimalloc's own ends the program there.
begin throws 3 "" "" allocators_throws
for each in jemalloc.so.2 tcmalloc_minimal.so.4; do
	file=$(library "lib$each")
	[ "$file" ] && begin "throws_${each%%.*}" 3 "$file" "" allocators_throws
done
collect
begin own 8 "" "-alloc-prefix odd_ -alloc-mmap" allocators_own
begin static 6 "" "" allocators_static at_mmap
begin static_pie 6 "" "" allocators_static_pie at_mmap
begin musl 6 "" "" allocators_musl at_mmap
begin musl_static 6 "" "" allocators_musl_static at_mmap
collect
check "own: says what goes by slots" grep -q "2 functions are seen only where they are called through 2 slots (GOT)" "$WORK/own/err"
# What it may have read from its slots is in a page that stays.
check "own: nothing else has changed" test "$(diff "$WORK/own/before" "$WORK/own/after" | grep -c '^[<>]')" = 1

# refused WHAT WORDS COMMAND...
refused()
{
	local what=$1 words=$2

	shift 2
	start_command "$@"
	refuses "$what" "$words"
	stop_target
}

# refuses WHAT WORDS: TARGET is refused and stays as it is; threads that a runtime has for itself come and go
refuses()
{
	state "$TARGET" | grep -v ^task >"$WORK/before"
	"$CPPROF" -p "$TARGET" -profile heap -seconds 1 -o "$WORK/no.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err"
	check_equal "$1: status" 3 $?
	check "$1: said" grep -q "$2" "$WORK/run.err"
	state "$TARGET" | grep -v ^task >"$WORK/after"
	check "$1: as before" cmp "$WORK/before" "$WORK/after"
}

# answer PATH: the status of what the server says to it, and what it says in "answer"
answer()
{
	python3 - "$URL$1" "$WORK/answer" <<-'PY'
		import sys, urllib.error, urllib.request
		try:
		    got = urllib.request.urlopen(sys.argv[1])
		except urllib.error.HTTPError as e:
		    got = e
		open(sys.argv[2], "wb").write(got.read())
		print(got.getcode())
	PY
}

# managed WHOSE COMMAND...: refused, by -http too; not with a wish for what is not managed
managed()
{
	local words="its memory is $1's, which manages it without malloc"

	start_command "${@:2}"
	refuses "$1" "$words"
	serve "$1" -p "$TARGET" -http 127.0.0.1:0
	check_equal "$1, served: refused" 503 "$(answer /debug/pprof/heap)"
	check "$1, served: said" grep -q "$words" "$WORK/answer"
	check_equal "$1, served: others are not" 200 "$(answer /debug/pprof/threads)"
	stop_server "$1"
	"$CPPROF" -p "$TARGET" -profile heap -heap-rate 1 -alloc-mmap -seconds 200ms -symbols none -o "$WORK/some.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err"
	check "$1, what it maps: status $?" grep -q "what $1 allocates itself is not in it" "$WORK/run.err"
	check_unharmed "$TARGET" "$1" && pass "$1: unharmed"
	stop_target
}
refused stripped "no allocator is known in it" "$VARIANTS/allocators_stripped"
refused "Go alone" "its memory is Go's, which manages it without malloc" "$VARIANTS/allocators_go"
refused sanitizer "its allocator checks what it is used for" "$VARIANTS/allocators_asan"
refused "another's hook" "valloc of libc.so.6 cannot be taken over: someone else has taken it over already" "$VARIANTS/allocators_plain" taken
managed Go "$VARIANTS/allocators_cgo"
if command -v java >/dev/null; then
	cat >"$WORK/Rests.java" <<-'END'
		public class Rests {
			public static void main(String[] arguments) throws Exception {
				System.out.println("ready " + ProcessHandle.current().pid());
				Thread.sleep(100000);
			}
		}
	END
	managed Java java -Xint "$WORK/Rests.java"
	"$CPPROF" -profile heap -o "$WORK/no.pb.gz" -- java -version >"$WORK/run.out" 2>"$WORK/run.err"
	check_equal "Java, begun by us: status" 3 $?
	check "Java, begun by us: it has not run" test "$(grep -c version "$WORK/run.err")" = 0
else
	skip "no java"
fi
finish
