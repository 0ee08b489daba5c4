#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shares that a profiler finds against those the target itself counted in the same window, for loads of
# several kinds (tests/targets/loads.c): ours, perf (cpu-clock) and gperftools' SIGPROF profiler, each
# on a process of its own, alternating. Arguments: SECONDS ROUNDS [LOAD...].
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-10} rounds=${2:-3}
shift $(($# < 2 ? $# : 2))
loads=(${@:-long short calls bursty period10 period1 recursion churn3 churn20})
GPERF=${GPERF-$(ldconfig -p | awk '/libprofiler\.so\.0/ { print $NF; exit }')}

accuracy() { python3 "$BENCH/accuracy.py" "$@"; }
now() { date +%s%N; }

# begin VARIABLE=VALUE...: a new target with LOAD, these in its environment alone
begin()
{
	TARGET_OUT=$WORK/loads.$((targets_started++)).out
	env "$@" "$TARGETS/loads" 0 "$LOAD" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	wait_ready
	sleep 0.3
}

# Each begins a target and sets OUT, and FROM and TO: its window, realtime ns.
run_ours()
{
	begin
	OUT=$WORK/a.pb.gz FROM=0 TO=0
	"$CPPROF" -p "$TARGET" -seconds "$seconds" -hz "${HZ:-100}" -profile cpu -o "$OUT" \
		>"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
}
run_perf()
{
	local graph=()

	[ "$LOAD" != recursion ] || graph=(--call-graph dwarf)
	begin
	OUT=$WORK/perf.data
	perf record -q -e cpu-clock -F 99 ${graph[@]+"${graph[@]}"} -p "$TARGET" -o "$OUT" -- \
		sh -c 'date +%s%N; sleep "$0"; date +%s%N' "$seconds" >"$WORK/tool.out" 2>"$WORK/tool.err" </dev/null
	FROM=$(head -1 "$WORK/tool.out") TO=$(tail -1 "$WORK/tool.out")
}
run_gperf()
{
	begin LD_PRELOAD="$GPERF" CPUPROFILE="$WORK/gperf" CPUPROFILESIGNAL=12 CPUPROFILE_FREQUENCY=100
	OUT=$WORK/gperf.0
	rm -f "$OUT"
	FROM=$(now)
	kill -USR2 "$TARGET"
	sleep "$seconds"
	TO=$(now)
	kill -USR2 "$TARGET"
	sleep 0.1
}

tools=(ours)
[ "${NO_PERF:-}" ] || { command -v perf >/dev/null && tools+=(perf); }
[ -z "$GPERF" ] || tools+=(gperf)

echo "error: sum of the absolute errors of the parts' shares, percentage points; noise: what to expect of so many"
echo "samples; other: code that is none of the parts (calls, threads that begin and end), in truth and as found;"
echo "sum/CPU: all weights over the process's own clock; unseen: weight without a stack; off: error of each part"
printf '%-10s %-9s %8s %8s %8s %8s %8s %9s %8s  %s\n' load tool samples error noise "other %" found sum/CPU "unseen %" off
for LOAD in "${loads[@]}"; do
	for ((round = 1; round <= rounds; round++)); do
		for tool in "${tools[@]}"; do
			run_"$tool"
			stop_target || fail "target"
			accuracy measure "$tool" "$OUT" "$TARGET_OUT" "$FROM" "$TO" "$TARGETS/loads" \
				>>"$WORK/$LOAD.$tool" || fail "$LOAD: $tool"
			rm -f "$TARGET_OUT" "$OUT"
		done
	done
	for tool in "${tools[@]}"; do
		accuracy row "$LOAD" "$tool" <"$WORK/$LOAD.$tool"
	done
done
