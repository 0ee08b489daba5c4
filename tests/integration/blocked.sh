#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads that stay blocked, in 25 calls, in frames of ten shapes, below a known chain, by two compilers
# with many options: each has exactly its chain, without one stop; what is not certain is marked. Then
# threads that block and wake up all the time: no stack is made of two.
. "$(dirname "$0")/../lib/harness.sh"
need python3 make gcc clang
TORN=${TORN:-$PWD/tests/torn/torn}
reads=25000
[ -z "${LONG:-}" ] || reads=1000000

variants blocked
mkdir "$WORK/said"
for program in "$VARIANTS"/blocked_*; do
	start_command "$program"
	mv "$TARGET_OUT" "$WORK/said/${program##*/blocked_}"
	pids=${pids:+$pids,}$TARGET
done
out=$WORK/blocked.pb.gz
profile_ok "all of them" -p "$pids" -seconds 1 -profile threads -o "$out"
check_equal "stops" 0 "$(sed -n 's/^stops *\([0-9]*\).*/\1/p' "$WORK/run.err")"
check "the profile is sane" proof sane "$out"
python3 "$LIB/chains.py" "$out" "$WORK/said"/* >"$WORK/table"
check_equal "all threads have a stack, and none is wrong without a mark" 0 $?
cat "$WORK/table"

# of ROW-PATTERN COLUMN: the sum of a column (1 sure, 2 guessed, 3 cut, 4 astray) in those rows
of() { awk -v row="$1" -v column="$2" '$0 ~ row { sum += $(NF - 6 + column) } END { print sum + 0 }' "$WORK/table"; }
total=$(of '^all' 1)
for column in 2 3 4; do total=$((total + $(of '^all' $column))); done
check_number "threads" "$total > 3000"
check_number "whole chains" "$(of '^all' 1) + $(of '^all' 2) >= 0.98 * $total"
check_number "those without a mark" "$(of '^all' 1) >= 0.93 * $total"
# Where only the program knows how large a frame is, and a pointer led to it, nothing proves the guess.
known='shape (plain|locals|just128|large|pushes|arguments)'
check_equal "fixed frames with a mark, or not whole" 0 $(($(of "$known" 2) + $(of "$known" 3) + $(of "$known" 4)))
for pid in ${pids//,/ }; do
	stop_target "$pid" || fail "process $pid: exit $?"
done

[ -x "$TORN" ] || skip_all "no $TORN"
for program in "$VARIANTS"/wander_*; do
	name=${program##*/wander_}
	start_command "$program" 0 20
	check "$name: the reader" "$TORN" "$TARGET" "$reads" "$TARGET_OUT"
	cp "$WORK/check.out" "$WORK/torn"
	tr '\n' ' ' <"$WORK/torn" | tail -c 300
	echo
	said() { awk -v key="$1" '$1 == key { print $2 }' "$WORK/torn"; }
	check_number "$name: reads" "$(said reads) >= $reads"
	check_equal "$name: stacks that are none of the program's" 0 "$(said torn)"
	check_number "$name: whole" "$(said sure) + $(said guessed) >= 0.95 * $(said reads)"
	check "$name: its exit" stop_target
done
finish
