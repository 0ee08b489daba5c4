#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pause per sample as the target sees it: time lost over an unprofiled run, divided by the samples;
# the profiler against the bare loop, alternating. Arguments: SECONDS HZ ROUNDS.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-10} hz=${2:-100} rounds=${3:-3}

lost_of() # runs a fresh target under "$@" (with -p PID added); sets LOST, WALL, P50, P99
{
	start_target gaps 0 1 15
	if [ $# = 0 ]; then
		sleep "$seconds"
	else
		"$@" -p "$TARGET" >"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
	fi
	stop_target
	LOST=$(truth lost_us) WALL=$(truth wall_us) P50=$(truth gap_p50_ns) P99=$(truth gap_p99_ns)
}

printf '%-8s %5s %8s %12s %14s %12s %12s\n' tool round samples "lost us/s" "pause us/samp" "gap p50 us" "gap p99 us"
row()
{
	printf '%-8s %5s %8s %12s %14s %12s %12s\n' "$1" "$2" "$3" "$(ratio "$LOST" "$(ratio "$WALL" 1000000)")" "$4" \
		"$(ratio "$P50" 1000)" "$(ratio "$P99" 1000)"
}
for ((round = 1; round <= rounds; round++)); do
	lost_of
	base=$(awk "BEGIN { print $LOST / $WALL }")
	row none $round 0 -

	lost_of "$FLOOR" -hz "$hz" -seconds "$seconds"
	n=$(awk '$1 == "samples" { print $2 }' "$WORK/tool.out")
	pause=$(awk "BEGIN { printf \"%.1f\", ($LOST - $base * $WALL) / ${n:-1} }")
	row floor $round "$n" "$pause"
	echo "$pause" >>"$WORK/floor.pauses"

	lost_of "$CPPROF" -hz "$hz" -max-stop 100 -seconds "$seconds" -profile cpu -o "$WORK/p.pb.gz"
	n=$(samples_in "$WORK/p.pb.gz")
	pause=$(awk "BEGIN { printf \"%.1f\", $n ? ($LOST - $base * $WALL) / $n : -1 }")
	row ours $round "$n" "$pause"
	echo "$pause" >>"$WORK/ours.pauses"
done
ours=$(median <"$WORK/ours.pauses") floor=$(median <"$WORK/floor.pauses")
echo "pause per sample, median: ours $ours us, floor $floor us, ratio $(ratio "$ours" "$floor") (bar 1.2)"
