#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where in a burst of 3 ms the samples fall: six functions in turn, the target's own shares against the
# profiler's and, in the same window, perf's (cpu-clock). Arguments: SECONDS HZ ROUNDS.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-30} hz=${2:-199} rounds=${3:-3}

share() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%7.1f", (b > 0) ? 100 * a / b : 0 }'; }
perf_shares() # FILE: "FUNCTION SAMPLES" of the innermost frames
{
	perf script -i "$1" -F ip,sym 2>/dev/null | awk 'NF > 1 { n[$2]++ } END { for (f in n) print f, n[f] }'
}

printf '%-6s %5s %8s %7s %7s %7s %7s %7s %7s %10s\n' tool round samples 1 2 3 4 5 6 "error %"
row() # TOOL ROUND SAMPLES SHARE... : error is the sum of the absolute differences from the truth
{
	local tool=$1 round=$2 n=$3

	shift 3
	printf '%-6s %5s %8s %7s %7s %7s %7s %7s %7s %10s\n' "$tool" "$round" "$n" "$@" \
		"$(awk -v a="$*" -v b="${truth[*]}" 'BEGIN { n = split(a, x); split(b, y)
			for (i = 1; i <= n; i++) s += sqrt((x[i] - y[i]) ^ 2); printf "%.1f", s }')"
}
for ((round = 1; round <= rounds; round++)); do
	start_target phases
	perf=
	if command -v perf >/dev/null; then
		perf record -q -e cpu-clock -F "$hz" -p "$TARGET" -o "$WORK/perf.data" -- sleep "$seconds" 2>/dev/null &
		perf=$!
	fi
	"$CPPROF" -p "$TARGET" -seconds "$seconds" -hz "$hz" -max-stop 100 -profile cpu -o "$WORK/p.pb.gz" >/dev/null 2>&1
	[ -z "$perf" ] || wait $perf
	stop_target
	all=$(truth accounted) truth=() ours=() theirs=()
	[ -z "$perf" ] || perf_shares "$WORK/perf.data" >"$WORK/perf.shares"
	for i in 1 2 3 4 5 6; do
		truth+=("$(share "$(truth phase_$i)" "$all")")
		ours+=("$(share "$(proof cum "$WORK/p.pb.gz" phase_$i)" 1)")
		[ -z "$perf" ] || theirs+=("$(share "$(awk -v f=phase_$i '$1 == f { print $2 }' "$WORK/perf.shares")" \
			"$(awk '{ n += $2 } END { print n + 0 }' "$WORK/perf.shares")")")
	done
	row truth $round - "${truth[@]}"
	row ours $round "$(samples_in "$WORK/p.pb.gz")" "${ours[@]}"
	[ -z "$perf" ] || row perf $round "$(awk '{ n += $2 } END { print n + 0 }' "$WORK/perf.shares")" "${theirs[@]}"
done
