#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -dump: who waits for what and for whom, as the targets themselves know; groups and counts; nobody
# stopped who sleeps.
. "$(dirname "$0")/../lib/harness.sh"
need python3

dump_proof() { python3 "$LIB/dump_proof.py" "$@"; }

# dump WHAT ARG...: a page as JSON in $WORK/page.json
dump()
{
	local what=$1

	shift
	profile_ok "$what" -q -p "$TARGET" -dump -format json -o "$WORK/page.json" "$@"
}

# --- deadlocks ---
start_target deadlock circles
dump "circles"
check "circles: members and holders" dump_proof circles "$WORK/page.json" "$TARGET_OUT"
check_equal "circles: stops" 0 "$(dump_proof value "$WORK/page.json" stops)"
profile_ok "circles: page" -p "$TARGET" -dump
check_equal "circles: come before the stacks" 2 "$(sed '/^$/q' "$WORK/run.out" | grep -c '^deadlock: thread ')"
check_equal "circles: who waits for whom" 2 "$(grep -cE '^(deadlock:|         ) thread [0-9]+ "(stock|order)" waits for mutex (order|stock)_lock held by thread [0-9]+ "(order|stock)"[,;]$' "$WORK/run.out")"
check_equal "circles: others that wait for each" 2 "$(sed '/^$/q' "$WORK/run.out" | grep -c ' 1 other thread waits for them')"
check_equal "the holder and its place" 1 "$(grep -cE 'futex\(mutex lazy_lock\) held by [0-9]+ "lazy" in ' "$WORK/run.out")"
if gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1; then
	timeout 60 gdb -nx -batch -p "$TARGET" -ex 'thread apply all bt' >"$WORK/gdb.out" 2>/dev/null
	check "frames as gdb has them" dump_proof gdb "$WORK/page.json" "$WORK/gdb.out"
else
	skip "frames against gdb's: no gdb"
fi
stop_target

# --- descriptors ---
mkdir "$WORK/fds"
start_target fd_waits "$WORK/fds"
dump "descriptors"
check "descriptors: what they are" dump_proof fds "$WORK/page.json" "$TARGET_OUT"
profile_ok "descriptors: page" -p "$TARGET" -dump
check_equal "descriptors: nothing steers the terminal" 0 "$(grep -c "$(printf '\033')" "$WORK/run.out")"
stop_target

# --- a thousand ---
start_target idle 0 1000 2
sleep 0.5
dump "idle"
check_equal "idle: threads" 1003 "$(dump_proof value "$WORK/page.json" threads)"
check_equal "idle: those that idle" 1000 "$(dump_proof threads "$WORK/page.json" idle)"
# One that did not get a CPU for its stop has no stack.
check_equal "idle: those that compute" 2 "$(dump_proof named "$WORK/page.json" busy)"
check_number "idle: stops" "$(dump_proof value "$WORK/page.json" stops) <= 2"
profile_ok "idle: pages" -p "$TARGET" -dump -every 1s -count 2
check_equal "idle: the second says who has not moved" 1 \
	"$(grep -cE '^dump 2, [0-9.]+s after the one before: 100[01] of 1003 threads have not run since' "$WORK/run.out")"
check_number "idle: lines of a page" "$(wc -l <"$WORK/run.out") < 300"
profile_ok "goroutine" -q -p "$TARGET" -dump -format goroutine
check_equal "goroutine: heads" 1003 "$(grep -cE '^thread [0-9]+ "(idle|busy)" \[(sleeping|running)[^]]*\]:$' "$WORK/run.out")"
check_equal "goroutine: all else is in its layout" 0 \
	"$(grep -cvE '^$|^thread |^.+\(\.\.\.\)$|^	.+:[0-9]+ \+0x[0-9a-f]+$|^\.\.\.stack ends: ' "$WORK/run.out")"
timeout 20 "$CPPROF" -p "$TARGET" -dump -every 1s 2>"$WORK/run.err" | head -1 >"$WORK/run.out"
check_equal "idle: its reader is gone: exit, and told once" "1 1" "${PIPESTATUS[0]} $(grep -c 'Broken pipe' "$WORK/run.err")"
check_unharmed "$TARGET" idle
stop_target
check_equal "idle: none was stopped" 0 "$(truth idle_moved)"

# --- states ---
start_target stopped
sleep 0.3
profile_ok "stopped" -p "$TARGET" -dump
check_equal "stopped: its place" 1 "$(grep -c 'stop_inner' "$WORK/run.out")"
check_equal "stopped: state after" T "$(state_of "$TARGET")"
check_number "stopped: not run for" "$(sed -nE 's/^thread .*stopped, not run for ([0-9.]+)s.*/\1/p' "$WORK/run.out" | head -1) >= 0.2"
kill -CONT "$TARGET"
stop_target

start_target vfork
for _ in $(seq 20); do
	profile -q -p "$TARGET" -dump
	grep -q 'uninterruptible' "$WORK/run.out" && break
done
check_equal "state D" 1 "$(grep -c '^thread .* uninterruptible (D)' "$WORK/run.out")"
check_equal "state D: its call" 1 "$(grep -c '^    vfork' "$WORK/run.out")"
[ "$(id -u)" = 0 ] && check_equal "state D: its place in the kernel" 1 "$(grep -c 'in the kernel: .*vfork' "$WORK/run.out")"
check "vfork" stop_target

# --- several processes, and one that ends ---
start_target family
profile_ok "family" -p "$TARGET" -children -dump
check_number "family: a part for each" "$(grep -c '^process ' "$WORK/run.out") > 1"
stop_target
start_target idle 3 10 0
mkdir "$WORK/pages"
profile_ok "files" -p "$TARGET" -dump -every 1s -count 2 -format json -o "$WORK/pages/"
check_equal "files: each has the time of its own" 2 "$(ls "$WORK/pages" | grep -cE "^idle\.$TARGET\.dump\.[0-9]{8}T[0-9]{6}\.[0-9]{3}Z\.json$")"
check_number "files: in seconds" "$(ls "$WORK/pages" | sed -E 's/.*T([0-9]{6}).*/\1/' | sort -u | wc -l) == 2"
profile_ok "ends between two pages" -p "$TARGET" -dump -every 1s
profile -p "$TARGET" -dump
check_equal "a process that is gone: exit" 3 "$STATUS"

# --- no false deadlock ---
start_target deadlock busy
"$CPPROF" -q -p "$TARGET" -dump -format json -every 1s -count 3 -o - >"$WORK/busy.json"
check_equal "busy: circles" 0 "$(python3 -c 'import json, sys
print(sum(len(json.loads(l)["deadlocks"]) for l in open(sys.argv[1])))' "$WORK/busy.json")"
check_unharmed "$TARGET" busy
stop_target
finish
