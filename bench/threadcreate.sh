#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What staying attached costs: a creation with its join, and signals, alone, under the threadcreate
# profile, and under strace -f of the same calls, in turn; with few and with many threads.
# Arguments: ROUNDS CREATIONS SIGNALS_HZ.
. "$(dirname "$0")/lib.sh"
rounds=${1:-3} creations=${2:-5000} hz=${3:-1000}
need strace
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -pthread -o "$WORK/creates" "$BENCH/creates.c" || skip_all "can't build creates.c"

measure() # HOW IDLE
{
	local tool=

	"$WORK/creates" "$creations" "$2" "$hz" >"$WORK/figures" &
	TARGET=$!
	started+=("$TARGET")
	sleep 0.3
	case $1 in
	ours) "$CPPROF" -p $TARGET -seconds 0 -profile threadcreate -top=0 -o "$WORK/c.pb.gz" >"$WORK/out" 2>&1 </dev/null & tool=$! ;;
	strace) strace -f -q -e trace=clone,clone3 -o "$WORK/strace.out" -p $TARGET 2>/dev/null & tool=$! ;;
	esac
	wait $TARGET
	[ -z "$tool" ] || wait $tool 2>/dev/null
	read -ra figures <"$WORK/figures"
	seen=-
	[ "$1" = ours ] && seen=$(proof sum "$WORK/c.pb.gz" threadcreate)
	[ "$1" = strace ] && seen=$(grep -cE 'clone3?\(' "$WORK/strace.out")
	printf '%-8s %6s %5s %9s %9s %9s %10s %7s\n' "$1" "$2" "$round" "${figures[@]}" "$seen"
	echo "${figures[@]}" >>"$WORK/$1.$2"
}

printf '%-8s %6s %5s %9s %9s %9s %10s %7s\n' tool idle round "p50 us" "p99 us" signals/s Mloops/s seen
for ((round = 1; round <= rounds; round++)); do
	for idle in 0 1000; do
		for how in alone ours strace; do
			measure $how $idle
		done
	done
done
for idle in 0 1000; do
	alone=$(awk '{ print $1 }' "$WORK/alone.$idle" | median)
	for how in ours strace; do
		p50=$(awk '{ print $1 }' "$WORK/$how.$idle" | median)
		echo "$how, $idle idle threads: a creation takes $(ratio "$p50" "$alone") times as long, $(awk "BEGIN { print $p50 - $alone }") us more"
	done
done
