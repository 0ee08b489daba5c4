#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that a filter kills at any call that is not its own, and that is not dumpable: we make it
# call nothing, neither in its work nor, by interrupting it, in its sleep.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-4}

for sleep_us in 0 100 1000; do
	start_target strict 0 $sleep_us
	[[ $(cat "$TARGET_OUT") == *denied* ]] && skip_all "no seccomp filters here"
	out=$WORK/strict.pb.gz
	profile_ok "sleeps $sleep_us us" -p "$TARGET" -seconds "$seconds" -hz 2000 -max-stop 100 -profile cpu -o "$out"
	check_unharmed "$TARGET" "sleeps $sleep_us us"
	check_number "sleeps $sleep_us us: its work" "$(proof cum "$out" strict_work) > 0"
	check_balance "sleeps $sleep_us us" "$out"
	stop_target
	check_equal "sleeps $sleep_us us: target's exit" 0 $?
	check_equal "sleeps $sleep_us us: sleeps that failed" 0 "$(truth failed)"
done
finish
