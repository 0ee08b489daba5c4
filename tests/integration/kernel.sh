#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Time in the kernel counts like time in user mode, also where the profiler has to share its CPU with
# the target: each tick then takes the CPU from the thread that it looks for.
. "$(dirname "$0")/../lib/harness.sh"
need python3 taskset
seconds=${SECONDS_EACH:-4}

# measure WHAT
measure()
{
	local out=$WORK/kernel.pb.gz

	profile_ok "$1" -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$out" || return
	stop_target
	for part in user_part kernel_part; do
		check "$1: $part" proof within4cum "$out" $part \
			"$(awk "BEGIN { print $(truth $part) / $(truth accounted) }")"
	done
	check_number "$1: samples" "$(proof samples "$out") >= $seconds * 200 * 0.3"
}

start_target kernel
measure "any CPU"

[ -r /proc/self/sched ] || { skip "one CPU: a kernel without scheduler debugging"; finish; }
start_target kernel
cpu=$(taskset -cp "$TARGET" | sed 's/.*: *//; s/[-,].*//')
taskset -cp "$cpu" "$TARGET" >/dev/null
VIEW=(taskset -c "$cpu")
measure "one CPU"
finish
