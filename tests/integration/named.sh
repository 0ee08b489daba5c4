#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -thread: only threads whose names match are captured, with their shares; the CPU time of the others is
# counted as left out; a thread that takes such a name is met from then on.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6}
out=$WORK/named.pb.gz json=$WORK/named.json

value() { python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$json" "$1"; }
names() { proof threads "$1" | cut -d' ' -f2 | sort | tr '\n' ' '; }

start_target named
profile_ok "two workers" -p "$TARGET" -seconds "$seconds" -hz 400 -profile cpu -thread '^worker-' -o "$out" -summary "$json" || finish
check_equal "their names" "worker-0 worker-1 " "$(names "$out")"
check_number "samples" "$(proof samples "$out") > 100"
check_number "the CPU time of all is told" "$(value 'abs((s["cpu"]["profile"] + s["cpu"]["left_out"]) / s["cpu"]["clock"] - 1)') < 0.25"
check_number "the others used some" "$(value 's["cpu"]["left_out"]') > 0.3 * $(value 's["cpu"]["clock"]')"
check_number "the profile says so" "$(python3 -c 'import sys; sys.path.insert(0, sys.argv[2]); import proof
print(sum("threads named like ^worker-" in c for c in proof.Profile(sys.argv[1]).comments))' "$out" "$LIB") == 1"
check "the summary says so" grep -q 'the rest is of threads that -thread leaves out' "$WORK/run.err"

kill -USR1 "$TARGET"
profile_ok "and one that is called so now" -p "$TARGET" -seconds 1 -hz 400 -profile wall,threads -thread '^worker-' -o "$WORK/"
for kind in wall threads; do
	check_equal "$kind: names" "worker-0 worker-1 worker-late " "$(names "$WORK"/named.*.$kind.pb.gz)"
done
check_equal "threads: each once" 3 "$(proof sum "$WORK"/named.*.threads.pb.gz thread)"

profile -p "$TARGET" -seconds 0.5 -hz 400 -thread nobody -o "$WORK/none.pb.gz" -summary "$json"
check_equal "nobody is called so" "4 1" "$STATUS $(grep -c 'no thread is named like' "$WORK/run.err")"
check_equal "and nobody is stopped" 0 "$(value 's["stops"]["number"]')"
check_unharmed "$TARGET" "afterwards"
check "the target ends well" stop_target
whole=$(truth workers)
check "share of one" proof within4 "$out" worker_work "$(awk "BEGIN { print $(truth worker_work) / $whole }")"
check "share of the other" proof within4 "$out" other_worker_work "$(awk "BEGIN { print $(truth other_worker_work) / $whole }")"

# It takes its name while it is looked at.
start_target named
"$CPPROF" -p "$TARGET" -seconds 3 -hz 400 -profile cpu -thread er-late$ -o "$out" >/dev/null 2>"$WORK/run.err" &
started+=($!)
sleep 1.2
kill -USR1 "$TARGET"
wait $!
check_equal "renamed: exit" 0 $?
check_equal "renamed: names" "worker-late " "$(names "$out")"
check "renamed: the target ends well" stop_target
# Before, it used some 240 ms, and the target ends after us. It is met under its new name at a tick that may come late.
used=$(proof sum "$out" cpu)
check_number "renamed: its CPU time" "$used <= $(truth late_work) * 1.05 + 80e6 && $used >= $(truth late_work) * 0.8 - 80e6"
check_refused "-thread [" "-thread x -profile heap" "-thread x -dump" "-thread x -profile cpu,goroutine"
finish
