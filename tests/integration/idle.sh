#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 1000 blocked threads and 2 busy ones: no blocked thread may be stopped, in any kind of profile.
. "$(dirname "$0")/../lib/harness.sh"
need python3

for kind in cpu threads; do
	start_target idle 0 1000 2
	out=$WORK/idle.$kind.pb.gz
	profile -p "$TARGET" -seconds 5 -hz 100 -profile $kind -o "$out"
	check_equal "$kind: exit" 0 "$STATUS"
	check_unharmed "$TARGET" "$kind"
	check "$kind: no idle thread has run" stop_target
	check_equal "$kind: idle threads that have run" 0 "$(truth idle_moved)"
	check "$kind: profile is sane" proof sane "$out"
	[ $kind = cpu ] && check_number "cpu: busy_work" "$(proof cum "$out" busy_work) >= 0.97"
	[ $kind = threads ] && check_equal "threads: one stack each" 1003 "$(proof sum "$out" thread)"
done

finish
