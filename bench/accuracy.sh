#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shares that a profiler finds against those the target itself counted in the same window, for loads of
# several kinds (tests/targets/loads.c): ours, perf (cpu-clock) and gperftools' SIGPROF profiler, each
# on a process of its own, alternating. Arguments: SECONDS ROUNDS [LOAD...].
. "$(dirname "$0")/lib.sh"
need python3
seconds=${1:-10} rounds=${2:-4}
shift $(($# < 2 ? $# : 2))
loads=(${@:-long short bursty period10 period1 recursion churn3 churn20})
GPERF=${GPERF:-$(ldconfig -p | awk '/libprofiler\.so\.0/ { print $NF; exit }')}

accuracy() { python3 "$BENCH/accuracy.py" "$@"; }
now() { date +%s%N; }

# Each sets OUT, FROM and TO and leaves TARGET ended. LOAD is theirs.
begin() # VARIABLE=VALUE...: of the target's environment
{
	local e

	for e; do export "${e?}"; done
	start_target loads 0 "$LOAD"
	for e; do unset "${e%%=*}"; done
	sleep 0.3
}
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
run_gperf() # VARIABLE=VALUE...
{
	begin LD_PRELOAD="$GPERF" CPUPROFILE="$WORK/gperf" CPUPROFILESIGNAL=12 CPUPROFILE_FREQUENCY=100 "$@"
	OUT=$WORK/gperf.0
	rm -f "$OUT"
	FROM=$(now)
	kill -USR2 "$TARGET"
	sleep "$seconds"
	TO=$(now)
	kill -USR2 "$TARGET"
	sleep 0.1
}
run_gperf-thr() { run_gperf CPUPROFILE_PER_THREAD_TIMERS=1; }

tools_of() # LOAD
{
	echo ours
	command -v perf >/dev/null && echo perf
	[ -z "$GPERF" ] || echo gperf
	# With one thread at work it is the same timer.
	[ -z "$GPERF" ] || [[ $1 != churn* ]] || echo gperf-thr
}

echo "error: sum of the absolute share errors, percentage points; noise: what to expect of so many samples;"
echo "off: error of each part and of all other code; sum/CPU: weights over the process's own clock"
printf '%-10s %-9s %8s %8s %8s %9s %9s  %s\n' load tool samples error noise sum/CPU "unseen %" off
for LOAD in "${loads[@]}"; do
	tools=($(tools_of "$LOAD"))
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
		accuracy row "$LOAD" "$tool" "$rounds" <"$WORK/$LOAD.$tool"
	done
done
