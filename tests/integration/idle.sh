#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 1000 blocked threads and 2 busy ones: no blocked thread may be stopped, in any kind of profile.
. "$(dirname "$0")/../lib/harness.sh"
need python3

for kind in cpu threads wall; do
	start_target idle 0 1000 2
	out=$WORK/idle.$kind.pb.gz
	profile -p "$TARGET" -seconds 5 -hz 100 -profile $kind -o "$out"
	if [ "$STATUS" = 2 ] && [ $kind = wall ]; then
		skip "wall: not built"
		stop_target
		continue
	fi
	check_equal "$kind: exit" 0 "$STATUS"
	check_unharmed "$TARGET" "$kind"
	check "$kind: no idle thread has run" stop_target
	check_equal "$kind: idle threads that have run" 0 "$(truth idle_moved)"
	check "$kind: profile is sane" proof sane "$out"
	[ $kind = cpu ] && check_number "cpu: busy_work" "$(proof cum "$out" busy_work) >= 0.97"
	[ $kind = threads ] && check_equal "threads: one stack each" 1003 "$(proof sum "$out" thread)"
done

# Our own CPU time with 1000 idle threads: at most 15 % of a core.
start_target idle 0 1000 2
TIMEFORMAT='%U %S'
{ time "$CPPROF" -p "$TARGET" -seconds 5 -hz 100 -profile cpu -o "$WORK/cost.pb.gz" \
	>/dev/null 2>"$WORK/cost.err"; } 2>"$WORK/cost"
check_number "own CPU seconds in 5 s" "$(awk 'END { print $1 + $2 }' "$WORK/cost") <= 5 * 0.15 + 0.2"
check "no idle thread has run" stop_target
finish
