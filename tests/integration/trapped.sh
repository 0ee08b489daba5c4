#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A busy thread whose stack never answers to be read: the tracer hangs on it once and is replaced,
# and from then on both threads get their shares. The summary says so.
. "$(dirname "$0")/../lib/harness.sh"
need python3
out=$WORK/trapped.pb.gz

TARGET_OUT=$WORK/try.out
"$TARGETS/uffd_stack" 1 >"$TARGET_OUT"
[ $? != 77 ] || skip_all "no userfaultfd here: $(grep denied "$TARGET_OUT")"
start_target uffd_stack
profile_ok "trapped" -p "$TARGET" -seconds "${SECONDS_EACH:-5}" -hz 200 -max-stop 100 -profile cpu -o "$out"
check_unharmed "$TARGET" "trapped"
check_number "tracers lost" "$(sed -nE 's/^restarts +tracer ([0-9]+),.*/\1/p' "$WORK/run.err") + 0 <= 2"
check_equal "the summary says so" 1 "$(grep -c 'in memory that does not answer' "$WORK/run.err")"
check_number "the thread's own code" "$(proof share "$out" trapped_work) + $(proof cum "$out" trapped_work) > 0.2"
check_number "the other thread's" "$(proof cum "$out" free_work) > 0.2"
check_balance "trapped" "$out"
check "target ends well" stop_target
check_equal "hung" 0 "$(truth hung)"
check_number "the thread was not held for long" "$(truth trapped_rounds) >= 0.5 * $(truth free_rounds)"
finish
