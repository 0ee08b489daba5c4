#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL of each of the profiler's processes in turn, at any instant: the target runs on, neither
# stopped nor traced, and what it computes stays right; a killed tracer or worker costs no profile.
#
#   ROUNDS_EACH  of each role (10)
#   SEED         of the instants
. "$(dirname "$0")/../lib/harness.sh"
need python3
rounds=${ROUNDS_EACH:-6}
RANDOM=${SEED:-7}
roles=(cpprof-attach session tracer worker)

# No process is started where it can be helped: that takes longer than the round.
exec {never}<> <(:)
rest() { read -rt "$1" -u "$never"; }

# Sets STATE of a process: its letter, empty when it is gone.
look() # PID
{
	local line

	STATE=
	read -r line 2>/dev/null <"/proc/$1/stat" && line=${line##*) } && STATE=${line%% *}
}

# Sets PROCESSES: it and its descendants.
find_family() # PID
{
	local i children

	PROCESSES=("$1")
	for ((i = 0; i < ${#PROCESSES[@]}; i++)); do
		read -ra children 2>/dev/null <"/proc/${PROCESSES[i]}/task/${PROCESSES[i]}/children"
		PROCESSES+=(${children[@]+"${children[@]}"})
		children=()
	done
}

# Sets VICTIM: the member of the family that has this role, once all four are there.
find_role() # PROFILER ROLE
{
	local i pid comm

	VICTIM=
	for ((i = 0; i < 400; i++)); do
		find_family "$1"
		for pid in "${PROCESSES[@]}"; do
			read -r comm 2>/dev/null <"/proc/$pid/comm"
			[ "$comm" = "$2" ] && [ ${#PROCESSES[@]} = 4 ] && VICTIM=$pid
		done
		[ "$VICTIM" ] && return
		rest 0.005
	done
}

none_left() # PID...
{
	local i pid left

	for ((i = 0; i < 500; i++)); do
		left=0
		for pid; do
			look "$pid"
			[ "$STATE" ] && [ "$STATE" != Z ] && left=1
		done
		[ $left = 0 ] && return
		rest 0.01
	done
	return 1
}

# The next lines of the target's own account come, and none of them says bad.
sums_go_on()
{
	local i word n bad fresh=0

	for ((i = 0; i < 500 && fresh < 2; i++)); do
		while read -r word n bad <&"$account"; do
			[ "$word" = sum ] || continue
			fresh=$((fresh + 1))
			[ "$bad" = 0 ] || return 1
		done
		rest 0.01
	done
	((fresh >= 2))
}

skip_account() { while read -r <&"$account"; do :; done; }

round() # NUMBER ROLE
{
	local out=$WORK/kill.$1.pb.gz profiler status

	"$CPPROF" -p "$TARGET" -seconds 0.3 -hz 500 -max-stop 100 -profile cpu -o "$out" >/dev/null 2>"$WORK/run.err" </dev/null &
	profiler=$!
	find_role $profiler "$2"
	rest "0.$((RANDOM % 3))$((RANDOM % 10))$((RANDOM % 10))"
	if [ -z "$VICTIM" ] || ! kill -KILL "$VICTIM" 2>/dev/null; then
		missed=$((missed + 1))
		VICTIM=
	fi
	wait $profiler 2>/dev/null
	status=$?
	none_left "${PROCESSES[@]}" || { fail "round $1 ($2): processes of ours are left"
		kill -KILL "${PROCESSES[@]}" 2>/dev/null; }
	check_unharmed "$TARGET" "round $1 ($2)"
	skip_account
	sums_go_on || fail "round $1 ($2): the target's sums: $(tail -1 "$TARGET_OUT")"
	[ "$VICTIM" ] && killed[$2]=$((${killed[$2]:-0} + 1))
	[[ $2 == tracer || $2 == worker ]] || { rm -f "$out"; return; }
	if [ $status = 0 ] && [ "$(proof sum "$out" cpu 2>/dev/null || echo 0)" -gt 0 ]; then
		profiles[$2]=$((${profiles[$2]:-0} + 1))
	elif [ $status != 0 ] && [ $status != 4 ]; then
		fail "round $1: killed $2, exit $status: $(tail -n +2 "$WORK/run.err")"
	fi
	rm -f "$out"
}

start_target sums
exec {account}<"$TARGET_OUT"
declare -A killed profiles
missed=0
for ((i = 0; i < rounds * ${#roles[@]}; i++)); do
	round $i "${roles[i % ${#roles[@]}]}"
done
for role in "${roles[@]}"; do
	check_number "$role killed" "${killed[$role]:-0} >= 0.8 * $rounds"
done
for role in tracer worker; do
	check_number "profiles without the first $role" "${profiles[$role]:-0} >= ${killed[$role]:-0}"
done
[ "$failed" = 0 ] && pass "$i rounds, $missed of them over before the kill"
check "target ends well" stop_target
check_equal "wrong sums" 0 "$(truth bad)"
check_equal "temporary files left" 0 "$(ls -A "$WORK" | grep -c 'kill\.')"
finish
