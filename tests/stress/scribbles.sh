#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process that writes over what the allocation probe shares with us, everywhere, on its first page
# or on records: a run comes to its end or is refused, and what one that was killed left
# is taken out by -cleanup; its code is as before, and it lives on.
#
#   SEEDS (1) of each sort; by hand 20
. "$(dirname "$0")/../lib/harness.sh"
need python3

code_of() # PID: its program's and its C library's
{
	python3 - "$1" <<-'PY'
		import hashlib, re, sys
		memory = open(f"/proc/{sys.argv[1]}/mem", "rb")
		for line in open(f"/proc/{sys.argv[1]}/maps"):
		    m = re.match(r"(\w+)-(\w+) ..x. \S+ \S+ \S+ *(.*/(libc|scribbles).*)", line)
		    if m:
		        memory.seek(int(m[1], 16))
		        print(m[3], hashlib.sha256(memory.read(int(m[2], 16) - int(m[1], 16))).hexdigest())
	PY
}

# What bounds it is far above what it needs on a busy machine: only a hang is longer.
profiler() { timeout -k 1 20 "$CPPROF" "$@" </dev/null; }
heap_run() { profiler -p "$pid" -profile heap -heap-rate 4096 -seconds "$1" -symbols none -o "$WORK/$at.pb.gz"; }

one() # MODE SEED PID: what was wrong, nothing if all was well
{
	local at=$1.$2 pid=$3 before status

	before=$(code_of "$pid")
	heap_run 300ms >"$WORK/$at.out" 2>"$WORK/$at.err"
	status=$?
	[[ $status = [034] ]] || echo "run: status $status: $(tail -2 "$WORK/$at.err")"
	[ "$before" = "$(code_of "$pid")" ] || echo "run: its code is not as it was: $(tail -3 "$WORK/$at.err")"
	grep -q "began another program" "$WORK/$at.err" && echo "run: taken for another program"

	heap_run 20 >"$WORK/$at.out" 2>"$WORK/$at.err" &
	for ((i = 0; i < 500; i++)); do
		grep -q cpprof-probe "/proc/$pid/maps" && break
		sleep 0.01
	done
	sleep 0.2
	kill_all $!
	# Written over, it may look like another PID namespace's, whose word is good for ten seconds.
	for ((i = 0; i < 15; i++)); do
		profiler -cleanup -p "$pid" >"$WORK/$at.out" 2>"$WORK/$at.err"
		status=$?
		grep -q "that of a run that lives" "$WORK/$at.err" || break
		sleep 1
	done
	[ $status = 0 ] || echo "-cleanup: status $status: $(cat "$WORK/$at.err")"
	[ "$before" = "$(code_of "$pid")" ] || echo "-cleanup: its code is not as it was: $(cat "$WORK/$at.err")"
	grep -q "left behind" "$WORK/$at.err" && echo "$at" >>"$WORK/found"
	kill -0 "$pid" || echo "it has ended"
}

kill_all() # PID: and all below it, from the top
{
	local below child

	below=$(pgrep -P "$1")
	kill -KILL "$1" 2>/dev/null
	for child in $below; do kill_all "$child"; done
	wait "$1" 2>/dev/null
}

: >"$WORK/found"
for ((seed = 1; seed <= ${SEEDS:-1}; seed++)); do
	pids=()
	for mode in 1 2 3; do
		start_target scribbles $mode "$seed"
		pids+=("$TARGET")
		one $mode "$seed" "$TARGET" >"$WORK/$mode.wrong" 2>/dev/null &
		runs[mode]=$!
	done
	for mode in 1 2 3; do
		wait "${runs[mode]}"
		check_equal "mode $mode, seed $seed" "" "$(cat "$WORK/$mode.wrong")"
		stop_target "${pids[mode - 1]}"
		check_equal "mode $mode, seed $seed: it has lived on" 0 $?
	done
done
echo "    -cleanup found something to take out after $(wc -l <"$WORK/found") runs of $((3 * (seed - 1)))"
finish
