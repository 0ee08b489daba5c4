#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Throughput of a mix of 159 threads with and without the profiler (and perf), in alternating
# windows of one run. Arguments: WINDOW_SECONDS HZ PAIRS.
. "$(dirname "$0")/lib.sh"
need python3
window=${1:-5} hz=${2:-200} pairs=${3:-6}

start_target mix 0 159 2 20

# rate COMMAND...: the target's work per millisecond while the command runs, its first and last
# 300 ms left out: there a tool sets up and writes
rate()
{
	local from to

	from=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	"$@" >"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
	to=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	sleep 0.05
	awk -v from=$((from + 300)) -v to=$((from + 1000 * window - 300)) -v last="$to" '
		$1 == "tick" && $2 >= from && $2 <= to && $2 <= last {
			if (!n++) { t0 = $2; w0 = $3 }
			t1 = $2; w1 = $3
		}
		END { printf "%.2f\n", (t1 > t0) ? (w1 - w0) / (t1 - t0) : 0 }' "$TARGET_OUT"
}

tools=(ours)
[ "${NO_PERF:-}" ] || { command -v perf >/dev/null && tools+=(perf); }
printf '%-6s %5s %12s %12s %8s\n' tool pair "work/ms off" "work/ms on" "lost %"
for ((pair = 1; pair <= pairs; pair++)); do
	for tool in "${tools[@]}"; do
		off=$(rate sleep "$window")
		case $tool in
		ours) on=$(rate "$CPPROF" -p "$TARGET" -hz "$hz" -max-stop 100 -seconds "$window" -profile cpu -o "$WORK/m.pb.gz") ;;
		perf) on=$(rate perf record -q -F "$hz" --call-graph dwarf -p "$TARGET" \
			-o "$WORK/perf.data" -- sleep "$window") ;;
		esac
		lost=$(awk "BEGIN { printf \"%.2f\", ($off > 0) ? 100 * (1 - $on / $off) : 0 }")
		printf '%-6s %5d %12s %12s %8s\n' "$tool" $pair "$off" "$on" "$lost"
		echo "$lost" >>"$WORK/$tool.lost"
	done
done
for tool in "${tools[@]}"; do
	echo "throughput lost at $hz Hz, median of $pairs: $tool $(median <"$WORK/$tool.lost") %"
done
check_unharmed "$TARGET" "afterwards"
stop_target
