#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What wall, block and mutex cost and how right they are. First a contended mutex whose waits are
# measured inside: how far delay, the shares of the two holders and the number of waits are off. Then
# 1000 idle and 2 busy threads: CPU of one core, threads that ran because of it; beside it eu-stack,
# which stops every thread for one look, once a second. Arguments: SECONDS ROUNDS.
. "$(dirname "$0")/lib.sh"
need python3 eu-stack
seconds=${1:-10} rounds=${2:-3} kinds=wall,block,mutex

off() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.1f%%\n", b ? 100 * (a / b - 1) : 0 }'; }

printf '%-12s %5s %5s %9s %9s %9s %9s %9s\n' target Hz round delay "hold_70" "hold_30" waits "CPU ms/s"
for hz in 100 500; do
	for ((round = 1; round <= rounds; round++)); do
		start_target contended
		rm -rf "$WORK/out" && mkdir "$WORK/out"
		us=$(cpu_us "$CPPROF" -p "$TARGET" -hz $hz -seconds "$seconds" -profile $kinds -o "$WORK/out/")
		stop_target
		block=$(echo "$WORK"/out/*.block.pb.gz) mutex=$(echo "$WORK"/out/*.mutex.pb.gz)
		window=$(proof duration "$block") took=$(truth took)
		per_window() { awk -v v="$(truth "$1")" -v t="$took" -v w="$window" 'BEGIN { print v / t * w }'; }
		delay=$(proof sum "$mutex" delay)
		held() { awk -v s="$(proof cum "$mutex" "$1")" -v d="$delay" 'BEGIN { print s * d }'; }
		printf '%-12s %5d %5d %9s %9s %9s %9s %9s\n' contended $hz $round \
			"$(off "$(proof sum "$block" delay)" "$(per_window waited)")" \
			"$(off "$(held hold_70)" "$(per_window hold_70)")" \
			"$(off "$(held hold_30)" "$(per_window hold_30)")" \
			"$(off "$(proof sum "$block" contentions)" "$(per_window contended)")" \
			"$(ratio "$us" $((seconds * 1000)))"
	done
done

# A file, for a function does not get through the shell that hides debug packages.
cat >"$WORK/once_a_second" <<-'SH'
	for ((i = 0; i < $2; i++)); do
		eu-stack -p "$1" >/dev/null 2>&1
		sleep 1
	done
SH

printf '\n%-24s %5s %12s %12s\n' "1000 idle and 2 busy" round "CPU ms/s" "idle moved"
for ((round = 1; round <= rounds; round++)); do
	start_target idle 0 1000 2
	us=$(cpu_us "$CPPROF" -p "$TARGET" -hz 100 -max-stop 100 -seconds "$seconds" -profile $kinds -o "$WORK/out/")
	stop_target
	printf '%-24s %5d %12s %12s\n' "100 looks a second" $round "$(ratio "$us" $((seconds * 1000)))" "$(truth idle_moved)"
	start_target idle 0 1000 2
	us=$(cpu_us bash "$WORK/once_a_second" "$TARGET" "$seconds")
	stop_target
	printf '%-24s %5d %12s %12s\n' "eu-stack once a second" $round "$(ratio "$us" $((seconds * 1000)))" "$(truth idle_moved)"
done
