#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL of any of the profiler's processes at any instant leaves the target running; a killed
# tracer or worker costs no profile.
. "$(dirname "$0")/../lib/harness.sh"
need python3
rounds=${ROUNDS:-50}
RANDOM=${SEED:-7}

family() # PID: it and its descendants
{
	local child

	[ -d /proc/"$1" ] || return
	echo "$1"
	for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
		family "$child"
	done
}

start_target mix 0 30 2 20
declare -A killed
for ((round = 1; round <= rounds; round++)); do
	out=$WORK/kill.$round.pb.gz
	"$CPPROF" -p "$TARGET" -seconds 1 -hz 500 -max-stop 100 -profile cpu -o "$out" >/dev/null 2>"$WORK/run.err" </dev/null &
	profiler=$!
	started+=("$profiler")
	sleep "0.$(printf %03d $((50 + RANDOM % 850)))"
	mapfile -t processes < <(family $profiler)
	victim=${processes[RANDOM % ${#processes[@]}]:-$profiler}
	role=$(tr '\0' ' ' <"/proc/$victim/comm" 2>/dev/null)
	kill -KILL "$victim" 2>/dev/null
	wait $profiler 2>/dev/null
	status=$?
	killed[${role// /}]=$((${killed[${role// /}]:-0} + 1))
	for ((i = 0; i < 250; i++)); do
		left=0
		for p in "${processes[@]}"; do
			[ "$(state_of "$p")" ] && [ "$(state_of "$p")" != Z ] && left=$((left + 1))
		done
		[ $left = 0 ] && break
		sleep 0.02
	done
	[ $left = 0 ] || { fail "round $round ($role): $left processes of ours are left"
		kill -KILL "${processes[@]}" 2>/dev/null; }
	check_unharmed "$TARGET" "round $round ($role)"
	work=$(grep ^tick "$TARGET_OUT" | tail -1)
	sleep 0.1
	[ "$work" != "$(grep ^tick "$TARGET_OUT" | tail -1)" ] || fail "round $round ($role): no work goes on"
	case $role in
	*tracer* | *worker*)
		if [ $status = 0 ] && [ "$(proof sum "$out" cpu 2>/dev/null || echo 0)" -gt 0 ]; then
			:
		else
			fail "round $round: killed $role, exit $status: $(head -2 "$WORK/run.err")"
		fi
		;;
	esac
	rm -f "$out"
done
for role in "${!killed[@]}"; do
	echo "    killed ${killed[$role]} x $role"
done
[ "$failed" = 0 ] && pass "$rounds rounds"
check_number "different processes killed" "${#killed[@]} >= 3"
check "target ends well" stop_target
check_equal "temporary files left" 0 "$(ls -A "$WORK" | grep -c 'kill\.')"
finish
