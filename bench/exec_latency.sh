#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long a program takes from exec to main, and a parent to learn of its child's end: alone and
# profiled, in turn. Arguments: EXECS EXITS HZ ROUNDS.
. "$(dirname "$0")/lib.sh"
execs=${1:-300} exits=${2:-30} hz=${3:-1000} rounds=${4:-3}

# The p50, p99 and longest of the latencies in the target's output.
latencies()
{
	awk '$1 == "latency_us" { print $2 }' "$TARGET_OUT" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[int(NR * 0.99)], v[NR] }'
}

row() # WHAT ROUND HOW
{
	local figures

	read -ra figures < <(latencies)
	printf '%-16s %5s %-9s %9s %9s %9s\n' "$1" "$2" "$3" "${figures[@]}"
	echo "${figures[@]}" >>"$WORK/${1// /_}.$3"
}

measure_execs() # WHAT ROUND HOW SIBLINGS
{
	start_target exec_latency "$execs" "$4"
	[ "$3" = alone ] ||
		"$CPPROF" -p "$TARGET" -seconds 100 -hz "$hz" -max-stop 100 -profile cpu -o "$WORK/e.pb.gz" >"$WORK/out" 2>&1 </dev/null
	wait "$TARGET"
	row "$1" "$2" "$3"
}

measure_exits() # ROUND HOW
{
	local command=()

	[ "$2" = alone ] || command=("$CPPROF" -seconds 60 -hz "$hz" -max-stop 100 -profile cpu -o "$WORK/e.pb.gz")
	start_target exit_latency "$exits" ${command[@]+"${command[@]}"}
	wait "$TARGET"
	row exit "$1" "$2"
}

added() # WHAT
{
	local i alone ours

	for i in 1 2 3; do
		alone=$(awk -v i=$i '{ print $i }' "$WORK/$1.alone" | median)
		ours=$(awk -v i=$i '{ print $i }' "$WORK/$1.profiled" | median)
		printf '%s ' "$((ours - alone))"
	done
}

printf '%-16s %5s %-9s %9s %9s %9s\n' what round how "p50 us" "p99 us" "max us"
for ((round = 1; round <= rounds; round++)); do
	for how in alone profiled; do
		measure_execs "leader execs" $round $how 0
		measure_execs "thread execs" $round $how 5
		measure_exits $round $how
	done
done
for what in leader_execs thread_execs exit; do
	echo "$what: added, medians of $rounds rounds: p50, p99, max (us): $(added $what)"
done
