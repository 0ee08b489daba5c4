#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every call that can wait, under a storm of stops: none fails, none returns too early, none gives a
# wrong result, and no wait begins its time-out anew, but for the first that we see of a thread.
# LONG=1 SECONDS_EACH=400 HZ=5000 makes it long; each target then runs as long without the profiler.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-3}
stops=0

value() { awk -v key="$1" '$1 == "truth" && $2 == key { print $3 }' "$TARGET_OUT"; }
kinds() { sed -n 's/^truth \(.*\)_calls .*/\1/p' "$TARGET_OUT"; }
summary() { awk -v key="$1" '$1 == key { print $2 + 0 }' "$WORK/run.err"; }

# A call of these asks for signals before it asks for its timer, so that a stop of a thread whose
# time is just up makes it wait once more.
is_prone() { case $1 in io_getevents | io_pgetevents | recv_unix | read_unix | accept_tcp) ;; *) false ;; esac; }

check_calls() # WHAT
{
	local kind sum each

	check_equal "$1: calls that failed" 0 "$(truth failed)"
	sed -n 's/^skipped /skip: /p' "$TARGET_OUT"
	for kind in $(kinds); do
		check_number "$1: $kind: calls" "$(value "${kind}_calls") > 100"
		for each in eintr wrong early; do
			sum=$(value "${kind}_$each")
			[ "${sum:-0}" = 0 ] || fail "$1: $kind: $sum $each $(value "${kind}_last_error")"
		done
	done
}

# Waits that lasted one time-out too long: as many as in the calls that cannot be started anew (the
# machine's doing), and the first of each thread.
check_twice() # WHAT
{
	local kind calls=0 twice=0 other_calls=0 other_twice=0

	for kind in $(kinds); do
		[ "$(value "${kind}_twice")" ] || continue
		if is_prone "$kind"; then
			calls=$((calls + $(value "${kind}_calls"))) twice=$((twice + $(value "${kind}_twice")))
		else
			other_calls=$((other_calls + $(value "${kind}_calls")))
			other_twice=$((other_twice + $(value "${kind}_twice")))
		fi
	done
	echo "    $1: waits of twice the time-out: $twice of $calls, in other calls $other_twice of $other_calls"
	[ $calls != 0 ] || return
	check_number "$1: waits of twice the time-out" \
		"$twice <= 16 + 0.0002 * $calls + $calls * ($other_twice + 4 * sqrt($other_twice + 1)) / $other_calls"
}

under_stops() # HZ TARGET [KIND...]
{
	local hz=$1

	shift
	start_target "$1" 0 "${@:2}"
	profile_ok "$1" -p "$TARGET" -seconds "$seconds" -hz "$hz" -max-stop 100 -profile cpu -o "$WORK/$1.pb.gz"
	check "$1: ends well" stop_target
	check_calls "$1"
	check_twice "$1"
	grep -E '^(stops|calls) ' "$WORK/run.err" | sed 's/^/    /'
	stops=$((stops + $(summary stops)))
}

alone() # TARGET [KIND...]
{
	start_target "$1" 0 "${@:2}"
	sleep "$seconds"
	check "$1 alone: ends well" stop_target
	check_calls "$1 alone"
	check_twice "$1 alone"
}

LIMIT=$((seconds * 2 + 60))
both() # HZ TARGET [KIND...]
{
	[ -z "${LONG:-}" ] || alone "${@:2}"
	under_stops "$@"
}

both "${HZ:-3000}" calls_timed
both "${HZ:-3000}" calls_sockets
both "${HZ:-3000}" calls_woken
both "${HZ:-3000}" calls_locks
# Not with the others: a SIGCHLD that the program ignores is a real signal to the kernel while its
# thread is traced; when that thread is stopped just then, another one's call returns EINTR.
both "${HZ:-3000}" calls_locks waitpid
# With little else to do the timers of tick and wait come together.
[ "${SECONDS_EACH:-}" ] || seconds=6
under_stops 100 calls_timed io_getevents io_pgetevents clock_nanosleep_abs
check_number "stops" "$stops > 500 * $seconds"
finish
