#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -summary: what the run says of itself as JSON, held against the profile, the clock and the program's
# file; one line for each interval; refused where it cannot be written.
. "$(dirname "$0")/../lib/harness.sh"
need python3 readelf
json=$WORK/s.json

# value EXPRESSION [LINE]: of that line's object, as s
value()
{
	python3 -c 'import json, sys
s = [json.loads(line) for line in open(sys.argv[1])][int(sys.argv[3])]
print(eval(sys.argv[2]))' "$json" "$1" "${2:-0}"
}

start_target shares 60
profile_ok "a run" -p "$TARGET" -seconds 1.5 -hz 200 -profile cpu,threads -o "$WORK/" -summary "$json"
cpu=$(echo "$WORK"/*.cpu.pb.gz)
check_equal "pid" "$TARGET" "$(value 's["target"]["pid"]')"
check_equal "cpu stacks" "$(proof samples "$cpu")" "$(value 's["stacks"]["cpu"]["all"]')"
check_equal "complete and others are all" 0 \
	"$(value 's["stacks"]["cpu"]["all"] - sum(v for k, v in s["stacks"]["cpu"].items() if k not in ("all", "lost"))')"
check_number "CPU" "$(value 'round(s["cpu"]["profile"] * 1e9)') - $(proof sum "$cpu" cpu) < 10"
check_number "CPU by the clock" "$(value 'abs(s["cpu"]["profile"] / s["cpu"]["clock"] - 1)') < 0.05"
check_number "window" "$(value 's["window"]["seconds"]') >= 1.5"
check_number "stops" "$(value 's["stops"]["number"]') >= $(value 's["stacks"]["cpu"]["all"]')"
check_equal "the program comes first" "$TARGETS/shares" "$(value 's["modules"][0]["path"]')"
check_equal "build id" "$(readelf -n "$TARGETS/shares" | sed -n 's/.*Build ID: //p')" "$(value 's["modules"][0]["build_id"]')"
check_equal "its file and names" "file symtab its own" \
	"$(value '" ".join(s["modules"][0][k] for k in ("source", "symbols", "debug"))')"
check_number "shares of modules" "$(value 'sum(m["share"] for m in s["modules"])') <= 1.000001"
check_number "share of the program" "$(value 's["modules"][0]["share"]') > 0.5"

before=$(date +%s%N)
profile_ok "intervals" -p "$TARGET" -every 1s -count 2 -profile cpu -o "$WORK/" -summary "$json"
check_equal "a line for each" "2 2 1" "$(wc -l <"$json") $(value 's["window"]["number"] + 1' 1) $(value 's["window"]["number"] + 1' 0)"
check_number "when each began" "$before < $(value 's["window"]["began_ns"]') &&
	$(value 's["window"]["began_ns"]') < $(value 's["window"]["began_ns"]' 1) &&
	$(value 's["window"]["began_ns"]' 1) < $(date +%s%N)"
"$CPPROF" -p "$TARGET" -seconds 0.3 -profile cpu -o "$WORK/o.pb.gz" -top=0 -summary - >"$json" 2>"$WORK/run.err"
check_equal "on standard output" "0 $TARGET" "$? $(value 's["target"]["pid"]')"
"$CPPROF" -p "$TARGET" -seconds 0.3 -profile cpu -o - -summary - >"$WORK/out" 2>"$WORK/run.err"
check_equal "two things on standard output" 2 $?
"$CPPROF" -p "$TARGET" -seconds 0.3 -profile cpu -o "$WORK/o.pb.gz" -summary "$WORK/none/s.json" >"$WORK/out" 2>"$WORK/run.err"
check_equal "no such folder" 1 $?
check "no such folder: said" grep -q 'cannot write .*none/s.json: No such file' "$WORK/run.err"
stop_target
finish
