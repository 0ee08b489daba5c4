#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CPU that the profiler takes of one core while it watches 1000 idle threads and 2 busy ones, and how
# many idle threads ran because of it. Arguments: SECONDS HZ ROUNDS.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-10} hz=${2:-100} rounds=${3:-3}

printf '%5s %8s %10s %12s %12s\n' round samples "CPU ms" "% of a core" "idle moved"
for ((round = 1; round <= rounds; round++)); do
	start_target idle 0 1000 2
	us=$(cpu_us "$CPPROF" -p "$TARGET" -hz "$hz" -max-stop 100 -seconds "$seconds" -profile cpu -o "$WORK/i.pb.gz")
	stop_target
	printf '%5d %8s %10s %12s %12s\n' $round "$(samples_in "$WORK/i.pb.gz")" "$(ratio "$us" 1000)" \
		"$(ratio "$us" $((seconds * 10000)))" "$(truth idle_moved)"
done
