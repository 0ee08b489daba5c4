#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Execs in a row by the leader and by another thread with siblings: none hangs, all arrive. And a
# parent learns how its profiled child ended: by exit, by SIGKILL, by a fault.
#
#   EXECS (300)    EXITS (15)
. "$(dirname "$0")/../lib/harness.sh"
need python3
execs=${EXECS:-300}

execs_of() # WHAT SIBLINGS
{
	start_target exec_latency "$execs" "$2"
	profile_ok "$1" -p "$TARGET" -seconds 110 -hz 1000 -max-stop 100 -profile cpu -o "$WORK/exec.pb.gz"
	end_of_target "$1" 7
	check_equal "$1: execs that arrived" "$execs" "$(grep -c ^latency_us "$TARGET_OUT")"
	check "$1: profile is sane" proof sane "$WORK/exec.pb.gz"
	check_number "$1: execs seen" "$(summary 'times$') >= 0.5 * $execs"
}

execs_of "leader" 0
execs_of "another thread" 5
check_number "another thread: exec races" "$(summary 'exec races repaired') + 0 >= 1"

start_target exit_latency "${EXITS:-15}" "$CPPROF" -seconds 60 -hz 1000 -max-stop 100 -profile cpu -o "$WORK/exit.pb.gz"
end_of_target "exits" 0
check_equal "exits: rounds" "${EXITS:-15}" "$(truth rounds)"
check_equal "exits: wrong status" 0 "$(truth wrong_status)"
check_number "exits: profiled" "$(truth profiled) >= 0.4 * ${EXITS:-15}"
check_equal "exits: profiles that failed" 0 "$(truth profiler_failed)"
finish
