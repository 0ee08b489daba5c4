#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A threads profile: every thread exactly once, and the known stacks of every kind of target.
. "$(dirname "$0")/../lib/harness.sh"
need python3

every_thread_once() # WHAT [FUNCTION that some stack must contain]
{
	local out=$WORK/threads.$1.pb.gz live

	live=$(ls /proc/"$TARGET"/task | sort -n)
	profile_ok "$1" -p "$TARGET" -seconds 1 -profile threads -o "$out" || return
	check_equal "$1: each tid once" "$(echo $live)" \
		"$(echo $(proof threads "$out" | awk '{ for (i = 0; i < $3; i++) print $1 }' | sort -n))"
	check "$1: profile is sane" proof sane "$out"
	check_unharmed "$TARGET" "$1"
	[ -z "${2:-}" ] || check_number "$1: $2 is there" "$(proof cum "$out" "$2") > 0"
}

start_target idle 0 60 2
every_thread_once idle busy_work
check_complete "$WORK/threads.idle.pb.gz"
check_go_pprof "$WORK/threads.idle.pb.gz"
check_view "$WORK/threads.idle.pb.gz" "$(ls /proc/"$TARGET"/task | wc -l)" thread_name
check "idle: none moved" stop_target

start_target bursty
every_thread_once bursty
check "bursty" stop_target

start_target chain40
every_thread_once chain40 chain_40
check_equal "chain40: all 40 frames in order" yes "$(proof stacks "$WORK/threads.chain40.pb.gz" |
	awk -F'\t' 'BEGIN { for (i = 1; i <= 40; i++) want = want sprintf("chain_%02d;", i) }
		index($3, want "main") { found = 1 } END { print found ? "yes" : "no" }')"
check "chain40" stop_target

start_target inline_chain
out=$WORK/inline.pb.gz
profile_ok "inline_chain" -p "$TARGET" -seconds 3 -profile cpu -o "$out"
check_equal "inline_chain: the whole chain" yes "$(proof stacks "$out" | awk -F'\t' '
	index($3, "inlined_1;inlined_2;inlined_3;inlined_4;inlined_5;outer;main") { found = 1 }
	END { print found ? "yes" : "no" }')"
check "inline_chain" stop_target

start_target recursion 0 900
out=$WORK/recursion.pb.gz
profile_ok "recursion 900" -p "$TARGET" -seconds 3 -profile cpu -o "$out"
check_number "recursion: stacks with all 900 frames" "$(proof stacks "$out" | awk -F'\t' '
	{ split($1, v, " "); all += v[1]; if (gsub(/recurse/, "", $3) == 900) full += v[1] }
	END { print all ? full / all : 0 }') >= 0.97"
check "recursion" stop_target

start_target leader_exit
out=$WORK/leader.pb.gz
profile_ok "main thread gone: cpu" -p "$TARGET" -seconds 3 -profile cpu -o "$out"
check_number "main thread gone: orphan_work" "$(proof cum "$out" orphan_work) >= 0.97"
check_complete "$out"
profile_ok "main thread gone: threads" -p "$TARGET" -seconds 1 -profile threads -o "$out"
check_number "main thread gone: its live threads" "$(proof sum "$out" thread) >= 3"
check "main thread gone" stop_target

start_target stopped
sleep 0.3
check_equal "stopped: state before" T "$(state_of "$TARGET")"
out=$WORK/stopped.pb.gz
profile_ok "stopped: threads" -p "$TARGET" -seconds 1 -profile threads -o "$out"
check_equal "stopped: state after" T "$(state_of "$TARGET")"
check_equal "stopped: tracer after" 0 "$(tracer_of "$TARGET")"
check_number "stopped: the stack is seen" "$(proof cum "$out" stop_outer) > 0"
LIMIT=20 profile -p "$TARGET" -seconds 1 -profile cpu -o "$out"
check_equal "stopped: cpu has no samples" 4 "$STATUS"
check_equal "stopped: state after cpu" T "$(state_of "$TARGET")"
kill -CONT "$TARGET"
sleep 0.3
check "stopped: goes on after SIGCONT" stop_target
check_number "stopped: work after SIGCONT" "$(truth rounds_after) > 0"
finish
