#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that exec, fork, vfork, make threads and take signals without pause, at 1000 Hz: each
# keeps its own invariants, ends by itself, and is left neither stopped nor traced.
#
#   SECONDS_EACH (6), EXECS (300), SIGNALS (100000)
. "$(dirname "$0")/../lib/harness.sh"
need python3

under_fire() # TARGET ARG...: profiles it from start to end
{
	local name=$1 out=$WORK/$1.pb.gz profiler status

	start_target "$@"
	"$CPPROF" -p "$TARGET" -seconds 120 -hz 1000 -max-stop 100 -profile cpu -o "$out" \
		>"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
	profiler=$!
	started+=("$profiler")
	for ((i = 0; i < 1200; i++)); do
		[ "$(state_of "$TARGET")" ] && [ "$(state_of "$TARGET")" != Z ] || break
		sleep 0.1
	done
	if ((i == 1200)); then
		fail "$name: hangs: $(grep -E 'State|Tracer' /proc/"$TARGET"/status | tr '\n' ' ')"
		kill -KILL "$TARGET"
	fi
	wait "$TARGET"
	status=$?
	check_equal "$name: target's exit" 0 $status
	grep ^truth "$TARGET_OUT" | sed 's/^/    /'
	for ((i = 0; i < 100; i++)); do
		kill -0 $profiler 2>/dev/null || break
		sleep 0.1
	done
	kill -0 $profiler 2>/dev/null && { fail "$name: profiler goes on without its target"
		kill -KILL $profiler; }
	wait $profiler
	check_equal "$name: profiler's exit" 0 $?
	check_number "$name: CPU found" "$(proof sum "$out" cpu 2>/dev/null || echo 0) > 0"
}

under_fire exec_storm "${EXECS:-300}"
[ "$(truth execs)" = "${EXECS:-300}" ] || fail "exec_storm: $(truth execs) execs"
under_fire fork_storm "${SECONDS_EACH:-4}"
under_fire vfork "${SECONDS_EACH:-4}"
under_fire threads_churn "${SECONDS_EACH:-4}" 8
under_fire signals "${SECONDS_EACH:-4}" 1000
under_fire leader_exit 5
under_fire threads_end 4000
under_fire signal_storm "${SECONDS_EACH:-4}" "${SIGNALS:-100000}"

# SIGSTOP and SIGCONT from outside while samples are taken.
start_target mix 0 20 2 20
"$CPPROF" -p "$TARGET" -seconds 5 -hz 1000 -max-stop 100 -profile cpu -o "$WORK/stop.pb.gz" >/dev/null 2>"$WORK/run.err" </dev/null &
profiler=$!
started+=("$profiler")
for ((i = 0; i < 200; i++)); do
	kill -STOP "$TARGET"
	sleep 0.01
	kill -CONT "$TARGET"
	sleep 0.01
done
wait $profiler
check_equal "stop and continue: profiler's exit" 0 $?
check_unharmed "$TARGET" "stop and continue" && pass "stop and continue: target runs"
check "stop and continue: target ends well" stop_target
finish
