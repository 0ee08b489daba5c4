#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A command that is profiled from its first instruction to its end: all its CPU is there, its exit
# status, input, output and signals are its own.
. "$(dirname "$0")/../lib/harness.sh"
need python3

out=$WORK/launch.pb.gz
profile_ok "a command" -hz 200 -o "$out" -- "$TARGETS/shares" 4
TARGET_OUT=$WORK/run.out
check "profile is sane" proof sane "$out"
check_complete "$out" 0.9
for share in 40 25 20 10 05; do
	check "share_$share" proof within4cum "$out" share_$share \
		"$(awk "BEGIN { print $(truth share_$share) / $(truth process_cpu) }")"
done
# From exec to exit: a little more than the target's own count, which begins in main.
check_number "all of its CPU" "$(proof sum "$out" cpu) >= $(truth process_cpu) * 0.99 &&
	$(proof sum "$out" cpu) <= $(truth process_cpu) * 1.01 + 2e7"
check_equal "no word of the profiler in its output" 0 "$(grep -c cpprof "$WORK/run.out")"

# Before main: a constructor that works is seen, and the shell's name is not in the file's name.
cat >"$WORK/early.c" <<'END'
#include <time.h>
__attribute__((constructor, noinline)) static void early_work(void)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec * 1000000000l + t.tv_nsec < 300000000l);
	__asm__ volatile("");
}
int main(void) { return 0; }
END
if ${CC:-cc} -O1 -o "$WORK/early" "$WORK/early.c" 2>"$WORK/cc.err"; then
	(cd "$WORK" && profile -hz 500 -max-stop 100 -- ./early
		echo "$STATUS" >status)
	check_equal "a constructor: exit" 0 "$(cat "$WORK/status")"
	file=$(ls "$WORK"/early.*.cpu.pb.gz)
	check_number "work before main" "$(proof cum "${file:-none}" early_work) >= 0.9"
else
	fail "compiler: $(head -1 "$WORK/cc.err")"
fi

# Exit status, standard input, signals.
status_of() { profile "$@"; echo "$STATUS"; }
check_equal "-exit-status 7" 7 "$(status_of -exit-status -o "$out" -- sh -c 'exit 7')"
# A tick a second hardly ever meets a command that takes some milliseconds.
check_equal "without it the profiler's own: no samples" 4 "$(status_of -hz 1 -o "$out" -- sh -c 'exit 7')"
check_equal "-exit-status of a command that a signal ended" 143 \
	"$(status_of -exit-status -o "$out" -- sh -c 'kill -TERM $$')"
check_equal "no such command: exit" 127 "$(status_of -o "$out" -- /no/such/command)"
check "and the cause" grep -q "cannot run /no/such/command: No such file" "$WORK/run.err"
check_equal "a file that is no program: exit" 126 "$(status_of -o "$out" -- /etc/passwd)"
check "and the cause" grep -q "cannot run /etc/passwd: Permission denied" "$WORK/run.err"
echo "a line" | "$CPPROF" -q -o "$out" -- cat >"$WORK/cat.out" 2>/dev/null
check_equal "its input is ours" "a line" "$(cat "$WORK/cat.out")"
"$CPPROF" -q -o "$out" -- sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status' >"$WORK/with" 2>/dev/null
sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status' >"$WORK/without"
check "its signals are as without us" cmp "$WORK/with" "$WORK/without"
"$CPPROF" -q -o "$out" -- ls -l /proc/self/fd >"$WORK/with" 2>/dev/null
check_equal "none of our descriptors is in it" 0 "$(grep -cE 'memfd:|socket|eventfd' "$WORK/with")"

# The window ends before the command does: it runs on, and we wait for it.
profile -exit-status -seconds 0.3 -o "$out" -- sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 1; exit 3'
check_equal "a window shorter than the command: its status" 3 "$STATUS"
check "and it is said" grep -q "the command runs on" "$WORK/run.err"

# Its children, too.
profile_ok "with children" -children -hz 200 -o "$out" -- sh -c "'$TARGETS/shares' 2 & '$TARGETS/shares' 2; wait"
check_number "both are there" "$(proof pids "$out" | awk '$3 > 2e8' | wc -l) >= 2"

# Refused by the options.
for words in "-exit-status -p 1" "-p 1 -- true" "-name x -- true" "-profile threads -- true"; do
	# shellcheck disable=SC2086
	check_equal "$words: exit" 2 "$(status_of $words)"
done
check_equal "nothing after --" 2 "$(status_of --)"

# Ended by its pid, as a service manager does it: the command is told, once, and its end is waited for.
cat >"$WORK/orderly.sh" <<'END'
trap 'echo "got TERM"; sleep 1; exit 9' TERM
trap 'echo "got HUP"; exit 8' HUP
echo ready
while ((SECONDS < 20)); do :; done
END
# launched ARG...: in the background; sets PROFILER when the command says that it is ready
launched()
{
	rm -f "$WORK/run.out"
	"$CPPROF" "$@" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
	PROFILER=$!
	started+=("$PROFILER")
	for ((i = 0; i < 500; i++)); do
		grep -qs '^ready' "$WORK/run.out" && return
		sleep 0.02
	done
	fail "the command did not begin"
}
ended() { wait "$PROFILER"; STATUS=$?; check_no_report; }
launched -exit-status -hz 200 -o "$out" -- bash "$WORK/orderly.sh"
sleep 0.3
kill -TERM $PROFILER
ended
check_equal "SIGTERM: the command's status" "9 1" "$STATUS $(grep -c 'got TERM' "$WORK/run.out")"
check_number "SIGTERM: written" "$(proof samples "$out") > 0"
launched -exit-status -seconds 0.2 -o "$out" -- bash "$WORK/orderly.sh"
for ((i = 0; i < 500; i++)); do grep -q 'the command runs on' "$WORK/run.err" && break; sleep 0.02; done
kill -HUP $PROFILER
ended
check_equal "SIGHUP behind the window: the command's status" "8 1" "$STATUS $(grep -c 'got HUP' "$WORK/run.out")"
# A command that pays no heed: its status is not known, and ours is not taken for it.
launched -exit-status -hz 200 -seconds 60 -o "$out" -- bash -c 'trap "" TERM; echo "ready $$"; exec sleep 30'
command=$(sed -n 's/^ready //p' "$WORK/run.out")
kill -TERM $PROFILER
for ((i = 0; i < 500; i++)); do grep -q 'the command runs on' "$WORK/run.err" && break; sleep 0.02; done
sleep 0.2
kill -TERM $PROFILER
ended
check_equal "left alone: exit" 130 "$STATUS"
check_equal "left alone: the command" S "$(state_of "$command")"
kill -KILL "$command"
check_equal "left alone: told" 1 "$(grep -c "the command (process $command) runs on; its status is not known" "$WORK/run.err")"

# Interrupted: the command gets it from the terminal, not from us; we write what we have.
rm -f "$WORK/run.out"
"$CPPROF" -hz 200 -o "$out" -- "$TARGETS/shares" 60 >"$WORK/run.out" 2>"$WORK/run.err" &
profiler=$!
started+=("$profiler")
for ((i = 0; i < 200; i++)); do
	command=$(sed -n 's/^ready //p' "$WORK/run.out" 2>/dev/null)
	[ "$command" ] && break
	sleep 0.02
done
sleep 1
kill -INT $profiler
for ((i = 0; i < 200; i++)); do
	grep -q "the command runs on" "$WORK/run.err" && break
	sleep 0.02
done
check_unharmed "$command" "after the interrupt"
check_number "written" "$(proof samples "$out") >= 50"
kill -TERM "$command"
wait $profiler
check_equal "and ends with the command" 0 $?
finish
