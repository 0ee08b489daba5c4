#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -http: block and mutex. With seconds, of that time; without, counters that never fall, whatever windows
# come and go, and that add up to what the target has waited by its own account.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/serve.sh"

start_target deadlock circles
serve "brought by windows" -p "$TARGET" -background 0 -http 127.0.0.1:0
start_judge serve_counters.py brought "$URL"
start_target contended
serve "rate" -p "$TARGET" -background 50 -hz 500 -http 127.0.0.1:0
start_judge serve_counters.py rate "$URL" "$TARGET" "$TARGET_OUT"
end_judges
end_of_server "rate" 0

start_target contended
serve "growing" -p "$TARGET" -http 127.0.0.1:0
judge serve_counters.py grow "$URL"
check_unharmed "$TARGET" "growing" && pass "target is unharmed"
stop_server "growing"
stop_target
finish
