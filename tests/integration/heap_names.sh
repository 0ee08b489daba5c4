#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which functions the heap profiles see: all that allocate, of jemalloc, tcmalloc, mimalloc, glibc and musl, of a program's own
# allocator and of a library's, each allocation once. And programs in which there is nothing to see, which stay as they are.
. "$(dirname "$0")/../lib/harness.sh"
need python3 make gcc musl-gcc go
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
begin own 8 "" "-alloc-prefix odd_ -alloc-mmap" allocators_own
begin static 6 "" "" allocators_static at_mmap
begin static_pie 6 "" "" allocators_static_pie at_mmap
begin musl 6 "" "" allocators_musl at_mmap
begin musl_static 6 "" "" allocators_musl_static at_mmap
collect
check "own: says what goes by slots" grep -q "2 functions are seen only where they are called through 2 slots (GOT)" "$WORK/own/err"
# What it may have read from its slots is in a page that stays.
check "own: nothing else has changed" test "$(diff "$WORK/own/before" "$WORK/own/after" | grep -c '^[<>]')" = 1

# refused WHAT WORDS PROGRAM ARG...
refused()
{
	local what=$1 words=$2 program=$3

	shift 3
	start_command "$VARIANTS/$program" "$@"
	state "$TARGET" >"$WORK/before"
	"$CPPROF" -p "$TARGET" -profile heap -seconds 1 -o "$WORK/no.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err"
	check_equal "$what: status" 3 $?
	check "$what: said" grep -q "$words" "$WORK/run.err"
	state "$TARGET" >"$WORK/after"
	check "$what: as before" cmp "$WORK/before" "$WORK/after"
	stop_target
}
refused stripped "no allocator is known in it" allocators_stripped
refused Go "no allocator is known in it" allocators_go
refused sanitizer "its allocator checks what it is used for" allocators_asan
refused "another's hook" "valloc of libc.so.6 cannot be taken over: someone else has taken it over already" allocators_plain taken
finish
