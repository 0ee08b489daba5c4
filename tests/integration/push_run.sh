#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -push of a real target: windows follow one another and lose nothing, beside clients of -http, while a
# store is away, and at the end; all kinds, those of the heap; what is refused; who sees the secret.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/push_run.sh"

# All run at once.
start_store both
start_target turns
push -hz 200 -push "pyroscope+http://127.0.0.1:$PORT" -push "parca+http://127.0.0.1:$PORT"
keep both
start_store beside auth "Bearer to-ken.1"
start_target turns
CPPROF_PUSH_TOKEN=to-ken.1 push -hz 200 -push "pyroscope+http://127.0.0.1:$PORT" -label service_name=mine \
	-label env=test -http 127.0.0.1:0
keep beside
start_store interrupted
start_target turns
push -hz 200 -push "pyroscope+http://127.0.0.1:$PORT"
keep interrupted
start_store kinds
start_target contended
push -push "parca+http://127.0.0.1:$PORT" -profile cpu,wall,block,mutex,threads
keep kinds
start_store heap
start_target heap_steps
push -heap-rate 16384 -push "pyroscope+http://127.0.0.1:$PORT" -push "parca+http://127.0.0.1:$PORT" -profile cpu,heap,allocs
keep heap
start_judge push_run.py steps "$KEPT" "$TARGET" "$TARGET_OUT"
start_store late
start_target heap_steps
kill -STOP "$TARGET"
profile -p "$TARGET" -push "pyroscope+http://127.0.0.1:$PORT" -profile heap
check_equal "nothing but the heap of a stopped process: refused" "3 1" "$STATUS $(grep -c 'stopped by job control' "$WORK/run.err")"
push -push "pyroscope+http://127.0.0.1:$PORT" -profile cpu,heap
keep late
start_store away plan '503*3,ok'
start_target turns
push -hz 200 -push "pyroscope+http://127.0.0.1:$PORT"
keep away
start_target turns
mkdir "$WORK/files"
push -hz 200 -push pyroscope+http://127.0.0.1:1 -o "$WORK/files/"
keep never
start_store refused plan 400
start_target turns
push -push "pyroscope+http://127.0.0.1:$PORT"
keep refused

again interrupted
await_logged "taken pyroscope" 1
sleep 0.5
before=$(logged "taken pyroscope")
stop_server "Ctrl-C"
check_number "Ctrl-C: what was left" "$(logged 'taken pyroscope') > $before"
check_unharmed "$TARGET" "Ctrl-C"
check_rules "Ctrl-C"
kill "$TARGET"

again beside
URL=$(url_of "$SERVER_OUT" "$SERVER") || { fail "does not serve"; finish; }
start_judge push_run.py beside "$URL" "$TARGET" "$TARGET_OUT"
await_logged "taken pyroscope" 1
seen=$(for p in $SERVER $(pgrep -P "$SERVER") $(pgrep -P "$(pgrep -P "$SERVER" -x session)"); do
	cat "/proc/$p/cmdline" "/proc/$p/environ" | tr '\0' '\n'
done 2>/dev/null)
check_number "secret: processes seen" "$(grep -c '^-push$' <<<"$seen") >= 5"
check_equal "secret: shown by them" 0 "$(grep -c to-ken <<<"$seen")"

# Away for a while.
again away
await_logged "taken pyroscope" 2
kill "$STORE_PID"
wait "$STORE_PID" 2>/dev/null
sleep 1.5
start_store away port "$PORT"
keep away

again both
await_logged "taken parca" 3
kill "$TARGET" "${kept_state[never.TARGET]}"
end_of_server "both stores" 0
judge push_run.py windows "$KEPT" "$TARGET_OUT" 4
check_rules "both stores"
check_equal "both stores: service" turns "$(services)"
check_equal "both stores: told" 2 "$(said '^cpprof-attach: pushed  *[0-9]* profiles to')"

again beside
end_of_server "beside clients" 0
judge push_run.py windows "$KEPT" "$TARGET_OUT" 3
check_rules "beside clients"
check_equal "beside clients: what was pushed is not served" 1 "$(said 'served 1[0-9] requests, 1[0-9] of them profiles')"
check_equal "beside clients: service" mine "$(services)"

again kinds
await_logged "taken parca process_cpu" 2
kill "$TARGET"
end_of_server "all kinds" 0
judge push_run.py kinds "$KEPT" process_cpu wall block mutex thread
check_rules "all kinds"

again heap
end_judges
end_of_server "heap" 0
judge push_run.py heap "$KEPT" "$TARGET_OUT"
check_rules "heap"

again away
await_logged "taken pyroscope" 5
kill "$TARGET"
end_of_server "away for a while" 0
judge push_run.py windows "$KEPT" "$TARGET_OUT" 6
check_rules "away for a while"
check_equal "away for a while: told when it begins and ends" "2 2" "$(said 'waits$') $(said 'nothing was lost')"

# Refused at first, it is tried again, ten seconds later.
again late
for ((i = 0; i < 1000; i++)); do grep -q 'stopped by job control' "$SERVER_OUT" && break; sleep 0.02; done
kill -CONT "$TARGET"
await_logged "taken pyroscope memory" 1
check_equal "late: told when it cannot, and when it can" "1 1" "$(said 'stopped by job control') $(said 'the probe is in now')"
check_number "late: CPU time meanwhile" "$(logged 'taken pyroscope process_cpu') > $(logged 'taken pyroscope memory') + 5"
kill "$TARGET"
end_of_server "late" 1
check_rules "late"

again refused
await_logged "played 400" 2
kill "$TARGET"
end_of_server "refused" 1
check_equal "refused: told once" 1 "$(said 'refused: 400')"

# At the end it is waited for, for some seconds; then there are files.
again never
end_of_server "never there" 1
told=$(sed -nE 's/.* 0 of ([0-9]+) profiles to .*/\1/p' "$SERVER_OUT")
check_equal "never there: told" "1 1" "$(said 'could not be sent in the end') $(said '0 of [0-9]* profiles to')"
check_equal "never there: files" "$told" "$(ls "$WORK/files" | wc -l)"
for file in "$WORK"/files/*; do python3 "$LIB/proof.py" sane "$file" || fail "never there: $file"; done
finish
