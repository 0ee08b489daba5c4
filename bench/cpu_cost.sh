#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CPU from attach to the finished file, all processes of a tool: ours, the bare loop, and perf
# record with DWARF stacks plus perf script; alternating on one target, per sample taken.
# Arguments: SECONDS HZ ROUNDS [PID]; without PID: 2 busy threads beside 2 idle ones, python3 of the
# distribution (deeper stacks), and the mix of 159 threads.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-30} hz=${2:-99} rounds=${3:-3}

table() { printf '%-8s %-6s %5s %8s %10s %14s\n' "$@"; }
note() # TARGET TOOL ROUND SAMPLES US
{
	table "$1" "$2" "$3" "$4" "$(ratio "$5" 1000)" "$(ratio "$5" "$4")"
	ratio "$5" "$4" >>"$WORK/$1.$2.cost"
}

one_round() # TARGET ROUND
{
	local us n script

	us=$(cpu_us "$FLOOR" -p "$TARGET" -hz "$hz" -seconds "$seconds")
	note "$1" floor "$2" "$(awk '$1 == "samples" { print $2 }' "$WORK/cpu.out")" "$us"
	us=$(cpu_us "$CPPROF" -p "$TARGET" -hz "$hz" -max-stop 100 -seconds "$seconds" -profile cpu -o "$WORK/c.pb.gz")
	note "$1" ours "$2" "$(samples_in "$WORK/c.pb.gz")" "$us"
	command -v perf >/dev/null || return
	us=$(cpu_us perf record -q -F "$hz" --call-graph dwarf -p "$TARGET" -o "$WORK/perf.data" \
		-- sleep "$seconds")
	script=$(cpu_us perf script -i "$WORK/perf.data")
	n=$(awk '/^[^ \t#]/ { n++ } END { print n + 0 }' "$WORK/cpu.out")
	[ "$n" -gt 0 ] && note "$1" perf "$2" "$n" $((us + script)) ||
		echo "perf: no samples: $(head -1 "$WORK/cpu.err")"
}

compare() # TARGET
{
	local round ours other it

	for ((round = 1; round <= rounds; round++)); do
		one_round "$1" $round
	done
	ours=$(median <"$WORK/$1.ours.cost")
	for other in floor perf; do
		[ -s "$WORK/$1.$other.cost" ] || continue
		it=$(median <"$WORK/$1.$other.cost")
		echo "$1: CPU per sample, median: ours $ours us, $other $it us, ratio $(ratio "$ours" "$it")"
	done
}

table target tool round samples "CPU ms" "us per sample"
if [ "${4:-}" ]; then
	TARGET=$4
	compare given
	exit
fi
start_target idle 0 2 2
compare small
stop_target
[ "${SMALL:-}" ] && exit
if [ -x /usr/bin/python3 ]; then
	/usr/bin/python3 -c 'import json, re
while True:
    t = json.dumps({str(i): [i, i * 0.5] for i in range(300)})
    sorted(re.findall(r"\d+", t), key=lambda s: (len(s), s))' &
	TARGET=$!
	started+=("$TARGET")
	sleep 0.5
	compare python3
	stop_target
fi
start_target mix 0 159 2
compare mix
stop_target
