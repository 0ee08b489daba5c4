#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CPU from attach to the finished file, all processes of a tool: ours, the bare loop, and perf
# record with DWARF stacks plus perf script; alternating on one target.
# Arguments: SECONDS HZ ROUNDS [PID]; without PID the target is the mix of threads.
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-10} hz=${2:-99} rounds=${3:-3}
if [ "${4:-}" ]; then
	TARGET=$4
else
	start_target mix 0 159 2
fi

table() { printf '%-18s %5s %8s %10s %14s\n' "$@"; }
note() # TOOL ROUND SAMPLES US
{
	table "$1" "$2" "$3" "$(ratio "$4" 1000)" "$(ratio "$4" "$3")"
	ratio "$4" "$3" >>"$WORK/$1.cost"
}
table tool round samples "CPU ms" "us per sample"
for ((round = 1; round <= rounds; round++)); do
	us=$(cpu_us "$FLOOR" -p "$TARGET" -hz "$hz" -seconds "$seconds")
	note floor $round "$(awk '$1 == "samples" { print $2 }' "$WORK/cpu.out")" "$us"

	us=$(cpu_us "$CPPROF" -p "$TARGET" -hz "$hz" -seconds "$seconds" -profile cpu -o "$WORK/c.pb.gz")
	note ours $round "$(samples_in "$WORK/c.pb.gz")" "$us"

	if command -v perf >/dev/null; then
		us=$(cpu_us perf record -q -F "$hz" --call-graph dwarf -p "$TARGET" -o "$WORK/perf.data" \
			-- sleep "$seconds")
		script=$(cpu_us perf script -i "$WORK/perf.data")
		n=$(awk '/^[^ \t#]/ { n++ } END { print n + 0 }' "$WORK/cpu.out")
		[ "$n" -gt 0 ] && note perf $round "$n" $((us + script)) ||
			echo "perf: no samples: $(head -1 "$WORK/cpu.err")"
	fi
done
ours=$(median <"$WORK/ours.cost")
echo "CPU per sample, median: ours $ours us"
for other in floor perf; do
	[ -s "$WORK/$other.cost" ] || continue
	it=$(median <"$WORK/$other.cost")
	echo "  against $other $it us: ratio $(ratio "$ours" "$it")"
done
[ "${4:-}" ] || stop_target
