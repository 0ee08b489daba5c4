#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What -http serves is true: CPU profiles of windows that overlap, each of its own time; of several
# processes, each by its own path.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/serve.sh"

start_target turns
serve "one process" -p "$TARGET" -hz 200 -http 127.0.0.1:0
judge serve_cpu.py one "$URL" "$TARGET" "$TARGET_OUT"
end_of_server "one process" 0

start_target turns 0 600 0 500
serve "new threads" -p "$TARGET" -hz 200 -http 127.0.0.1:0
judge serve_cpu.py new "$URL" "$TARGET" "$TARGET_OUT"
end_of_server "new threads" 0

start_target turns 0 500 0
first=$TARGET first_out=$TARGET_OUT
start_target turns 0 500 2
serve "two processes" -p "$first,$TARGET" -hz 200 -http 127.0.0.1:0
judge serve_cpu.py two "$URL" "$first" "$first_out" "$TARGET" "$TARGET_OUT"
end_of_server "two processes" 0
finish
