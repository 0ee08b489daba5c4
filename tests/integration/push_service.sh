#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -push: the name of the service, as a process publishes it (OTEP 4719), and from those that tell lies; all
# at once.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/push_run.sh"

start_store one
hows=() at=0
for how in good late anonymous big zero unmapped cut changes writing version garbage hangs; do
	TARGET_OUT=$WORK/target.$how
	"$TARGETS/otel" "$how" "named $how" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	for ((i = 0; i < 1500; i++)); do grep -qE '^(ready|no) ' "$TARGET_OUT" && break; sleep 0.02; done
	grep -q '^ready' "$TARGET_OUT" || { skip "$how: $(head -1 "$TARGET_OUT")"; continue; }
	push -hz 20 -push "pyroscope+http://127.0.0.1:$PORT" -label how="$how"
	keep "$how"
	hows+=("$how")
done

last_service() # HOW: of the fourth window or a later one
{
	python3 -c 'import json, sys
found = [labels["service_name"] for labels in map(json.loads, open(sys.argv[1])) if labels["how"] == sys.argv[2]]
print(found[-1] if len(found) > 3 else "")' "$STORE/labels" "$1" 2>/dev/null
}

for how in "${hows[@]}"; do
	again "$how"
	for ((i = 0; i < 1000; i++)); do [ "$(last_service "$how")" ] && break; sleep 0.05; done
	expected=otel
	case $how in
	good | late) expected="named $how" ;;
	# Where it has just lost its CPU it is the same twice, and whole.
	changes) [ "$(last_service "$how")" = "named $how" ] && expected="named $how" ;;
	anonymous) grep -q 'anon:OTEL_CTX' "/proc/$TARGET/maps" && expected="named $how" ;;
	esac
	check_equal "$how: service" "$expected" "$(last_service "$how")"
	kill "$SERVER"
done
for how in "${hows[@]}"; do
	again "$how"
	end_of_server "$how" 0
	check_unharmed "$TARGET" "$how"
	check_equal "$how: of one program: told" 1 "$(said '^cpprof-attach: pushed  *[0-9]* profiles to')"
done
check_rules "all"
finish
