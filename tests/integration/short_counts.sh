#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a stop does to a call and cannot undo is counted: the profiler reports exactly as many short
# counts as its target saw, and no call fails. Without the profiler there are none.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-3}

# The summary's "calls A kept from returning EINTR, B that may have been cut short by a stop".
reported() { awk '$1 == "calls" { print $7 + 0 }' "$WORK/run.err"; }

start_target short_counts 0
sleep 2
check "alone: ends well" stop_target
check_equal "alone: short counts" 0 "$(truth short)"

under_stops() # HZ KIND...: all of them, or one that gets all the stops
{
	local hz=$1 each

	shift
	start_target short_counts 0 "$@"
	profile_ok "${*:-all}" -p "$TARGET" -seconds "$seconds" -hz "$hz" -max-stop 100 -profile cpu -o "$WORK/p.pb.gz"
	check "${*:-all}: ends well" stop_target
	for each in $(sed -n 's/^truth \(.*\)_short .*/\1/p' "$TARGET_OUT"); do
		check_number "$each: calls" "$(truth "${each}_calls") > 10"
		echo "    $each: short $(truth "${each}_short")"
	done
	check_equal "${*:-all}: short counts seen, and reported" "$(truth short)" "$(reported)"
	check_number "${*:-all}: short counts" "$(truth short) > 10"
}

under_stops "${HZ:-1000}"
under_stops 2000 writev
under_stops 2000 recvmsg
under_stops 2000 sendfile

finish
