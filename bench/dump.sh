#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All stacks of a hung program with many threads: -dump, gdb and eu-stack, in turn on fresh targets.
# How long each takes, how many of the blocked threads were stopped (their run counts show it), and the
# longest time that a thread of the target which wants to run every millisecond could not.
# Arguments: THREADS ROUNDS.
. "$(dirname "$0")/lib.sh"
threads=${1:-1000} rounds=${2:-3}

run_none() { sleep 1; }
run_ours() { "$CPPROF" -q -p "$TARGET" -dump; }
run_gdb() { gdb -nx -batch -p "$TARGET" -ex 'set pagination off' -ex 'thread apply all bt'; }
run_eu-stack() { eu-stack -p "$TARGET"; }

tools=(none ours)
command -v gdb >/dev/null && tools+=(gdb)
command -v eu-stack >/dev/null && tools+=(eu-stack)

printf '%-9s %5s %9s %9s %15s %17s\n' tool round "seconds" "stacks" "blocked stopped" "longest freeze ms"
for ((round = 1; round <= rounds; round++)); do
	for tool in "${tools[@]}"; do
		start_target idle 0 "$threads" 0 1
		sleep 0.2
		began=$(date +%s%N)
		run_"$tool" >"$WORK/$tool.out" 2>"$WORK/$tool.err" </dev/null
		took=$(($(date +%s%N) - began))
		stop_target
		stacks=$(grep -cE '^Thread |^TID ' "$WORK/$tool.out")
		[ "$tool" = ours ] && stacks=$(sed -nE 's/^process .*, ([0-9]+) threads.*/\1/p' "$WORK/ours.out")
		printf '%-9s %5d %9.3f %9d %15d %17.1f\n' "$tool" $round "$(ratio $took 1000000000)" "$stacks" \
			"$(truth idle_moved)" "$(ratio "$(truth longest_us)" 1000)"
		echo "$(awk "BEGIN { print $took / 1e9 }") $(truth idle_moved)" >>"$WORK/$tool.figures"
	done
done
echo "ours, median: $(cut -d' ' -f1 "$WORK/ours.figures" | median) s (bar 1), blocked threads stopped: $(
	awk '$2 > most { most = $2 } END { print most + 0 }' "$WORK/ours.figures") (bar 0)"
