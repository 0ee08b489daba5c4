#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The wall profile: each thread's time adds up to the window, in the states that it was in.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6} hz=250

start_target states
out=$WORK/wall.pb.gz
profile_ok "wall" -p "$TARGET" -seconds "$seconds" -hz $hz -profile wall -o "$out" || finish
check_unharmed "$TARGET" "afterwards"
check "the target ends well" stop_target
check "profile is sane" proof sane "$out"
check_equal "keeps the format's rules" 0 "$("$CPPROF" -check "$out" >/dev/null 2>&1; echo $?)"
check_go_pprof "$out"

# in_state THREAD STATE...: the share of the window that the thread was in one of them.
in_state()
{
	local thread=$1

	shift
	proof states "$out" "$thread" | awk -v wanted=" $* " -v window="$(proof duration "$out")" '
		index(wanted, " " $1 " ") { sum += $2 } END { print sum / window }'
}
for thread in sleeper spinner vforker half states; do
	check_number "$thread's time is the window's" \
		"($(in_state $thread running runnable sleeping disk stopped) - 1)^2 <= 0.02^2"
done
check_number "sleeper sleeps" "$(in_state sleeper sleeping) >= 0.98"
check_number "spinner runs" "$(in_state spinner running runnable) >= 0.97"
check_number "vforker is in state D" "$(in_state vforker disk) >= 0.98"
check_number "the main thread waits" "$(in_state states sleeping) >= 0.98"

# Of many ticks: the sum of what is known of the thread itself, within 4 sigma, and what it does in the
# 0.1 ms of a look.
busy=$(awk "BEGIN { print ($(truth ran) + $(truth queued)) / $(truth passed) }")
found=$(in_state half running runnable)
sigma=$(awk "BEGIN { print sqrt($busy * (1 - $busy) / ($seconds * $hz)) }")
check_number "half computes" "($found - $busy)^2 <= (4 * $sigma + 0.01)^2"
check_number "where it computes" "$(proof states "$out" half compute | awk '{ all += $2; ok += $1 ~ /^run/ ? $2 : 0 } END { print ok / all }') >= 0.99"
check_number "where it sleeps" "$(proof states "$out" half pause_half | awk '{ all += $2; ok += $1 == "sleeping" ? $2 : 0 } END { print ok / all }') >= 0.95"
check_number "who waits for its vfork is followed" "$(proof states "$out" vforker wait_for_vfork | awk '{ print $2 }') >= 0.98 * $(proof duration "$out")"

# A stopped process: every thread, for the whole window, and it stays stopped.
start_target states
kill -STOP "$TARGET"
sleep 0.1
profile_ok "a stopped process" -p "$TARGET" -seconds 1 -profile wall,block,mutex -o "$WORK/" || finish
out=$(echo "$WORK"/states.*.wall.pb.gz)
check_number "stopped threads" "$(in_state sleeper stopped) >= 0.9 && $(in_state half stopped) >= 0.9"
check_equal "it is still stopped" T "$(state_of "$TARGET")"
kill -CONT "$TARGET"
stop_target
finish
