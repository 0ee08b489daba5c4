#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -http: threads and goroutines, at a moment and who came and who went; who creates threads, exactly;
# texts that say what the profiles say; names of addresses, and the command line.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/serve.sh"

start_target states
serve "states" -p "$TARGET" -http 127.0.0.1:0
start_judge serve_threads.py states "$URL" "$TARGET"

start_target guests
guests=$TARGET
serve "guests" -p "$TARGET" -http 127.0.0.1:0
start_judge serve_threads.py guests "$URL" "$TARGET" "$TARGET_OUT"
of_guests=$SERVER

start_target deadlock circles
serve "still" -p "$TARGET" -background 0 -http 127.0.0.1:0
start_judge serve_threads.py still "$URL" "$TARGET"

start_command bash -c 'exec -a "an other" "$0" 0 1 0 "" "x	y" "\303" z' "$TARGETS/idle"
serve "command" -p "$TARGET" -http 127.0.0.1:0
start_judge serve_threads.py command "$URL" "$TARGET"

if command -v go >/dev/null && go build -o "$WORK/goroutines" "$LIB/../targets/goroutines.go" >"$WORK/build.out" 2>&1; then
	start_command "$WORK/goroutines"
	serve "goroutines" -p "$TARGET" -http 127.0.0.1:0
	start_judge serve_threads.py goroutines "$URL" "$TARGET"
else
	skip "goroutines: no go"
fi
end_judges

check_unharmed "$guests" "guests" && pass "guests: unharmed"
SERVER=$of_guests SERVER_OUT=$WORK/server.1.err stop_server "guests"
stop_target "$guests"
finish
