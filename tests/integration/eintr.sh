#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 10000 of each call that a careless stop breaks, under 1000 Hz: no EINTR, none returns too early.
# A call that is kept from EINTR starts its time-out again: there may be no more such waits than the
# profiler says it caused.
. "$(dirname "$0")/../lib/harness.sh"
need python3
calls=${CALLS:-10000}

run() # NAME [profiler]: leaves the target's truth in $WORK/NAME
{
	start_target eintr "$calls"
	if [ "${2:-}" ]; then
		"$CPPROF" -p "$TARGET" -seconds 600 -hz 1000 -profile cpu \
			-o "$WORK/eintr.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
		profiler=$!
		started+=("$profiler")
	fi
	wait "$TARGET"
	status=$?
	cp "$TARGET_OUT" "$WORK/$1"
	if [ "${2:-}" ]; then
		wait "$profiler"
		check_equal "profiler's exit when its target ends" 0 $?
		tail -12 "$WORK/run.err" | sed 's/^/    /'
	fi
	check_equal "$1: target's exit" 0 $status
}

value() { awk -v key="$2" '$1 == "truth" && $2 == key { print $3 }' "$WORK/$1"; }

run alone
run profiled yes
for call in epoll_wait recv sigtimedwait semtimedop io_getevents; do
	check_number "$call: calls" "$(value profiled ${call}_calls) >= $calls"
	check_equal "$call: EINTR" 0 "$(value profiled ${call}_eintr)"
	check_equal "$call: too early" 0 "$(value profiled ${call}_early)"
	alone=$(value alone ${call}_twice_as_long) with=$(value profiled ${call}_twice_as_long)
	echo "    over the timeout, us: alone p50 $(value alone ${call}_over_p50_us)" \
		"p99 $(value alone ${call}_over_p99_us), profiled p50" \
		"$(value profiled ${call}_over_p50_us) p99 $(value profiled ${call}_over_p99_us)"
	long=$((${long:-0} + with)) usual=$((${usual:-0} + alone))
done
kept=$(awk '$1 == "calls" { print $2 }' "$WORK/run.err")
check_number "waits of twice the timeout: explained by the calls kept from EINTR" \
	"$long <= ${kept:-0} + $usual + 4 * sqrt($usual + 1)"
check_number "samples" "$(proof samples "$WORK/eintr.pb.gz") >= $calls / 10"
finish
