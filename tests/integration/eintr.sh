#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 10000 of each call that a careless stop breaks, under 1000 Hz: no EINTR, no wait started anew.
. "$(dirname "$0")/../lib/harness.sh"
need python3
calls=${CALLS:-10000}

run() # NAME [profiler]: leaves the target's truth in $WORK/NAME
{
	start_target eintr "$calls"
	if [ "${2:-}" ]; then
		"$CPPROF" -p "$TARGET" -seconds 600 -hz 1000 -profile cpu -max-stop 100% \
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
	check_number "$call: waits of twice the timeout" "$with <= $alone + $calls * 0.002 + 4 * sqrt($alone)"
done
check_number "samples" "$(proof samples "$WORK/eintr.pb.gz") >= 1000"
finish
