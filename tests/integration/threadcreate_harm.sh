#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What staying attached must not do to the target: signals arrive, ignored ones end no call, a stopped
# process stays stopped and its parent hears of it, a thousand threads are let go, memory that does not
# answer holds nobody for long. And whoever is killed or stopped of us, at any instant, it runs on.
#
#   ROUNDS (3)    SEED (7)
. "$(dirname "$0")/../lib/harness.sh"
need python3
out=$WORK/created.pb.gz
RANDOM=${SEED:-7}
created=(-profile threadcreate -top=0 -o "$out")

start_target ignored 2
profile_ok "ignored" -p "$TARGET" -seconds 1 "${created[@]}"
end_of_target "ignored" 0
# One that comes just while we leave has woken its thread already, and nobody mends its call any more.
check_number "ignored: calls that returned" "$(truth returned) <= 1"
check_number "ignored: calls kept from that" "$(summary 'kept from returning EINTR') > 250"
check_number "ignored: threads" "$(proof sum "$out" threadcreate) > 25"

start_target signals 2 1000
profile -p "$TARGET" -seconds 1 "${created[@]}"
check_equal "signals: no thread, exit" 4 "$STATUS"
end_of_target "signals" 0
check_equal "signals: received" "$(truth sent)" "$(truth received)"
check_number "signals: passed on" "$(summary 'signals passed on') > 300"

# The parent is python, as a shell would be: it hears of the stop and of the end of the stop.
cat >"$WORK/parent.py" <<'END'
import os, signal, subprocess, sys, time
def threads(pid, key):
    return [line.split()[1] for tid in os.listdir("/proc/%d/task" % pid)
            for line in open("/proc/%d/task/%s/status" % (pid, tid)) if line.startswith(key)]
target = subprocess.Popen([sys.argv[1], "60", "200"], stdout=subprocess.PIPE)
target.stdout.readline()
profiler = subprocess.Popen(sys.argv[2:] + ["-p", str(target.pid), "-seconds", "2"])
while "0" in threads(target.pid, "TracerPid"):
    time.sleep(0.05)
for word, when in ("attached", 0.3), ("left", 2.5):
    os.kill(target.pid, signal.SIGSTOP)
    stopped = os.WIFSTOPPED(os.waitpid(target.pid, os.WUNTRACED)[1])
    time.sleep(when)
    states = "".join(sorted(set(threads(target.pid, "State"))))
    traced = set(threads(target.pid, "TracerPid")) != {"0"}
    os.kill(target.pid, signal.SIGCONT)
    continued = os.WIFCONTINUED(os.waitpid(target.pid, os.WCONTINUED)[1])
    time.sleep(0.2)
    print(word, stopped, states in ("t", "T"), traced, continued,
          not set(threads(target.pid, "State")) & {"t", "T"}, flush=True)
profiler.wait()
target.kill()
END
timeout 60 python3 "$WORK/parent.py" "$TARGETS/crowd" "$CPPROF" "${created[@]}" -q >"$WORK/parent.out"
check_equal "stopped by job control" "attached True True True True True" "$(grep attached "$WORK/parent.out")"
check_equal "stopped when we leave" "left True True False True True" "$(grep left "$WORK/parent.out")"

start_target crowd 0 1000
profile -p "$TARGET" -seconds 500ms "${created[@]}"
check_unharmed "$TARGET" "crowd" && pass "crowd: unharmed"
check_number "crowd: attached to" "$(sed -nE 's/^attached +to ([0-9]+) threads.*/\1/p' "$WORK/run.err") >= 1000"
check "crowd: ends well" stop_target
check_equal "crowd: disturbed" 0 "$(truth disturbed)"

start_target leader_exit
profile -p "$TARGET" -seconds 500ms "${created[@]}"
check_equal "without its main thread: exit" 4 "$STATUS"
check "without its main thread: ends well" stop_target

# A creator whose stack does not answer is let go with the tracer that hangs on it; the next one knows it.
TARGET_OUT=$WORK/try.out
"$TARGETS/uffd_stack" 1 >"$TARGET_OUT"
if [ $? != 77 ]; then
	start_target uffd_stack 0 10
	profile_ok "trapped" -p "$TARGET" -seconds 2 "${created[@]}"
	check_unharmed "$TARGET" "trapped" && pass "trapped: unharmed"
	check_number "trapped: tracers lost" "$(sed -nE 's/^restarts +tracer ([0-9]+),.*/\1/p' "$WORK/run.err") + 0 <= 2"
	check "trapped: ends well" stop_target
	check_number "trapped: threads" "$(proof sum "$out" threadcreate) >= 2"
	check_number "trapped: not held for long" "$(truth trapped_rounds) >= 0.3 * $(truth free_rounds)"
else
	skip "trapped: no userfaultfd here"
fi

# find_role PROFILER NAME: sets VICTIM
find_role()
{
	local i child

	for ((i = 0; i < 200; i++)); do
		for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
			[ "$(cat "/proc/$child/comm" 2>/dev/null)" = "$2" ] && VICTIM=$child && return
		done
		sleep 0.01
	done
	VICTIM=
}

start_target threads_churn 0 4 300
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
	"$CPPROF" -p "$TARGET" -seconds 30 "${created[@]}" -q 2>"$WORK/kill.err" &
	profiler=$!
	find_role $profiler tracer
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	case $((round % 3)) in
	0) kill -KILL $profiler ;;
	1) [ "$VICTIM" ] && kill -KILL "$VICTIM" && sleep 0.3 ;;
	2) [ "$VICTIM" ] && kill -STOP "$VICTIM" && sleep 1.2 ;;
	esac
	[ $((round % 3)) = 0 ] || kill -INT $profiler
	wait $profiler 2>/dev/null
	status=$?
	[ $((round % 3)) = 0 ] || [ $status = 0 ] || fail "round $round: exit $status: $(head -3 "$WORK/kill.err")"
	sleep 0.05
	check_unharmed "$TARGET" "round $round" && pass "round $round: unharmed"
done
check "ends well after all" stop_target

# A worker that does not keep up costs stacks, but neither time of the target nor a thread in the sum.
"$CPPROF" "${created[@]}" -- "$TARGETS/creates" 0 60 >"$WORK/run.out" 2>"$WORK/run.err" &
profiler=$!
find_role $profiler worker
kill -STOP "$VICTIM"
sleep 2
kill -CONT "$VICTIM"
wait $profiler
check_equal "no room: exit" 0 $?
check_equal "no room: threads" 7500 "$(proof sum "$out" threadcreate)"
check_number "no room: without a stack" "$(summary 'of their stacks lost for want of room') > 1000"
check "no room: profile is sane" proof sane "$out"
finish
