#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real-time signals from a thread and from another process, as fast as they can, at 1000 Hz: each one
# arrives, with its number, in order; breakpoints of the program's own, too.
#
#   SIGNALS  at least so many (100000)    SECONDS_EACH  and so long (4)
. "$(dirname "$0")/../lib/harness.sh"
need python3
signals=${SIGNALS:-100000}

start_target signal_storm "${SECONDS_EACH:-4}" "$signals"
profile_ok "signals" -p "$TARGET" -seconds 100 -hz 1000 -max-stop 100 -profile cpu -o "$WORK/signals.pb.gz"
end_of_target "signals" 0
check_number "signals received" "$(truth received) >= $signals"
check_equal "senders that lost some" 0 "$(truth senders_that_lost)"
check_equal "out of order" 0 "$(truth disordered)"
check_equal "not as sent" 0 "$(truth strangers)"
check_number "stops" "$(sed -nE 's/^stops +([0-9]+),.*/\1/p' "$WORK/run.err") >= 200"
check_number "signals met at a stop" "$(sed -nE 's/.* ([0-9]+) signals passed on.*/\1/p' "$WORK/run.err") + 0 >= 1"

# A breakpoint of the program's own is a signal like all others.
start_target traps
profile_ok "breakpoints" -p "$TARGET" -seconds 2 -hz 1000 -max-stop 100 -profile cpu -o "$WORK/traps.pb.gz"
check "breakpoints: each one was handled" stop_target
check_number "breakpoints met at a stop" "$(sed -nE 's/.* ([0-9]+) signals passed on.*/\1/p' "$WORK/run.err") + 0 >= 1"
finish
