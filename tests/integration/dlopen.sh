#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two libraries open and close in turn at the same address: each keeps its functions and its share.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-5}

# turns OPEN_MS HZ
turns()
{
	local out=$WORK/dl.pb.gz

	start_target dl_loop 0 "$1"
	profile_ok "$1 ms at $2 Hz" -p "$TARGET" -seconds "$seconds" -hz "$2" -max-stop 100 -profile cpu -o "$out"
	stop_target
	check_equal "$1 ms: not at the same address" 0 "$(truth elsewhere)"
	for part in first_part second_part; do
		check "$1 ms: $part" proof within4cum "$out" $part \
			"$(awk "BEGIN { print $(truth $part) / $(truth accounted) }")"
	done
	check_balance "$1 ms" "$out"
	check_complete "$out"
}

turns 40 200
turns 10 1000
finish
