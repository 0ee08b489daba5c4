#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads that run in bursts: the blocking call may have no more than 2 % of a thread's samples.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6}

start_target bursty
out=$WORK/bursty.pb.gz
profile_ok "cpu profile" -p "$TARGET" -seconds "$seconds" -hz 100 -profile cpu -o "$out" || finish
check_unharmed "$TARGET" "afterwards"
check "the target's own sums hold" stop_target
check "profile is sane" proof sane "$out"

total=$(proof sum "$out" cpu)
for t in t0 t1 t2; do
	n=$(proof samples "$out" $t)
	check_number "$t: samples" "$n >= $seconds * 3"
	blocked=$(proof stacks "$out" $t | awk -F'\t' '
		{ split($1, v, " "); all += v[1] }
		$3 ~ /nanosleep|target_sleep_us|(^|;)rest(;|$)/ { blocked += v[1] }
		END { printf "%.4f\n", all ? blocked / all : 1 }')
	check_number "$t: share of the blocking call" "$blocked <= 0.02 + 4 * sqrt(0.02 * 0.98 / $n)"
	a=$(proof cum "$out" burst_a $t)
	want=$(awk "BEGIN { printf \"%.4f\", $(truth ${t}_a) / $(truth ${t}_cpu) }")
	# The first tens of microseconds of a burst are hard to catch: of 400 us they are a tenth.
	slack=0.02
	[ $t = t0 ] && slack=0.06
	[ $t = t2 ] && slack=0.05
	check_number "$t: burst_a" "sqrt(($a - $want)^2) <= $slack + 4 * sqrt(0.25 / $n)"
	cpu=$(proof threads "$out" | awk -v t=$t '$2 == t { print $4 }')
	all=$(awk "BEGIN { print $(truth t0_cpu) + $(truth t1_cpu) + $(truth t2_cpu) }")
	want=$(awk "BEGIN { printf \"%.4f\", $(truth ${t}_cpu) / $all }")
	check_number "$t: share of the process's CPU" "sqrt((${cpu:-0} / $total - $want)^2) <= 0.02"
done
check_complete "$out"

# The start of a burst must be seen as well as its end: a tick that has to wait for its CPU until the
# thread's slice is over would miss it.
start_target bursty 0 1
out=$WORK/lone.pb.gz
profile_ok "a lone thread" -p "$TARGET" -seconds $((seconds * 2)) -hz 200 -profile cpu -o "$out" || finish
check "the target's own sums hold" stop_target
n=$(proof samples "$out" lone)
check_number "lone: samples" "$n >= $seconds * 8"
a=$(proof cum "$out" burst_a lone)
want=$(awk "BEGIN { printf \"%.4f\", $(truth lone_a) / $(truth lone_cpu) }")
check_number "lone: burst_a" "sqrt(($a - $want)^2) <= 0.02 + 4 * sqrt($want * (1 - $want) / $n)"
finish
