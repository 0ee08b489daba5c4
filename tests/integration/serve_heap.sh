#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -http: heap and allocs. The allocation probe goes in when they are first asked for, several clients
# share it, it works beside other profiles, and is out when serving has ended; what is known of the heap
# of a process that has ended stays to be asked for. And -every: files that each have all of it.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/serve.sh"

start_target heap_steps
held=$TARGET
serve "held" -p "$held" -heap-rate 16384 -http 127.0.0.1:0
held_server=$SERVER held_out=$SERVER_OUT
start_judge serve_heap.py held "$URL" "$SERVER" "$held"

start_target heap_steps
mkdir "$WORK/rotated"
"$CPPROF" -p "$TARGET" -profile heap -heap-rate 16384 -every 1 -o "$WORK/rotated/" >/dev/null 2>"$WORK/rotated.err" &
started+=($!)
start_judge serve_heap.py rotated "$WORK/rotated" $! "$TARGET" "$TARGET_OUT"

start_target heap_steps
disown "$TARGET" # its end is no news
serve "steps" -p "$TARGET" -heap-rate 16384 -http 127.0.0.1:0
start_judge serve_heap.py steps "$URL" "$TARGET" "$TARGET_OUT"
end_judges

check "steps: its end is told" grep -q "has ended; what its heap was" "$SERVER_OUT"
stop_server "steps"
SERVER=$held_server SERVER_OUT=$held_out
end_of_server "held" 0
check_unharmed "$held" "held" && pass "target is unharmed"
stop_target "$held"
finish
