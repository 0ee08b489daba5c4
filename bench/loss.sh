#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Throughput that busy threads lose to a profiler: ours, and perf record with both kinds of stacks. Each
# window with a tool stands beside one without, in turn before and after it. A pair does not count, and is
# made again, when in the window without a tool the target had less than 95 % (LEAST) of the CPUs: somebody
# else was there. Arguments: WINDOW_SECONDS PAIRS [THREADS...]; without THREADS: as many as CPUs, and 8.
. "$(dirname "$0")/lib.sh"
need python3
window=${1:-3} pairs=${2:-20}
shift $(($# < 2 ? $# : 2))
sizes=(${@:-$(nproc) 8})
tools=(ours)
command -v perf >/dev/null && tools+=(perf-fp perf-dwarf)

# run COMMAND...: sets RATE, the target's work per millisecond while it runs (the first second and the last
# 300 ms left out: there a tool sets up and writes), and US, its CPU time from beginning to end
run()
{
	local from to

	from=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	US=$(cpu_us "$@")
	to=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	sleep 0.05
	RATE=$(awk -v from=$((from + 1000)) -v to=$((from + 1000 * window - 300)) -v last="$to" '
		$1 == "tick" && $2 >= from && $2 <= to && $2 <= last {
			if (!n++) { t0 = $2; w0 = $3 }
			t1 = $2; w1 = $3
		}
		END { printf "%.3f\n", (t1 > t0) ? (w1 - w0) / (t1 - t0) : 0 }' "$TARGET_OUT")
}
# The same without a tool; sets OFF, and HAD: the CPU that the target had, as a share of what there is
run_none()
{
	local cpu=$(cpu_of "$TARGET") at=$(date +%s%N)

	run sleep "$window"
	OFF=$RATE
	HAD=$(awk -v used=$(($(cpu_of "$TARGET") - cpu)) -v all=$((($(date +%s%N) - at) * $(nproc))) \
		'BEGIN { printf "%.3f\n", used / all }')
}
run_ours() { run "$CPPROF" -p "$TARGET" -hz "${HZ:-100}" -seconds "$window" -profile cpu -o "$WORK/l.pb.gz"; }
run_perf() { run perf record -q -F 99 --call-graph "$1" -p "$TARGET" -o "$WORK/perf.data" -- sleep "$window"; }
run_perf-fp() { run_perf fp; }
run_perf-dwarf() { run_perf dwarf; }

# pair TOOL NUMBER: adds a line "OFF ON CPU_US" to the tool's file; A B, then B A. 1: it does not count
pair()
{
	local on us

	(($2 % 2)) && run_none
	run_"$1"
	on=$RATE us=$US
	(($2 % 2)) || run_none
	awk -v had="$HAD" -v least="${LEAST:-0.95}" 'BEGIN { exit had >= least }' && return 1
	echo "$OFF $on $us" >>"$WORK/$TARGET.$1"
}

# row THREADS TOOL: the median of the pairs' losses, and the ranks around it between which the true
# median is with 95 % (less than six pairs: the least and the most); then the tool's CPU
row()
{
	awk '$1 > 0 && $2 > 0 { printf "%.4f %.4f\n", 100 * (1 - $2 / $1), $3 / (10000 * w) }' w="$window" \
		"$WORK/$TARGET.$2" | sort -g | awk -v threads="$1" -v tool="$2" '
		{ v[NR] = $1; cpu += $2 }
		END {
			k = int((NR + 1) / 2 - 0.98 * sqrt(NR))
			if (k < 1) k = 1
			printf "%7d %-10s %5d %8.2f %8.2f to %5.2f %14.2f\n", threads, tool, NR,
				(v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[k], v[NR + 1 - k], cpu / NR
		}'
}

printf '%7s %-10s %5s %8s %17s %14s\n' threads tool pairs "lost %" "95 % interval" "CPU % of core"
for threads in "${sizes[@]}"; do
	start_target mix 0 "$threads" "$threads" 20
	for ((i = 1; i <= pairs; i++)); do
		for tool in "${tools[@]}"; do
			for ((try = 0; try < ${TRIES:-5}; try++)); do
				pair "$tool" $i && break
			done
		done
	done
	for tool in "${tools[@]}"; do
		[ -s "$WORK/$TARGET.$tool" ] && row "$threads" "$tool" || echo "$tool: no quiet pair"
	done
	check_unharmed "$TARGET" "afterwards"
	stop_target
done
