#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user does with it: outputs, formats, the top table, Ctrl-C, names, -check.
. "$(dirname "$0")/../lib/harness.sh"
need python3

start_target shares
pid=$TARGET
cd "$WORK" || exit 1

# Both kinds, in the current directory, under the documented names.
profile_ok "defaults" -p "$pid" -seconds 2
check_equal "files" "shares.$pid.cpu.pb.gz shares.$pid.threads.pb.gz" "$(echo $(ls -- *.pb.gz))"
for f in *.pb.gz; do
	check "-check $f" "$CPPROF" -check "$f"
done
check_equal "top table on stdout" 1 "$(grep -c 'flat  flat%   sum%        cum   cum%' run.out)"
check_equal "sums agree in the summary" 1 "$(grep -cE '^CPU .*by the process clock' run.err)"
check_equal "what to run next" 1 "$(grep -c "go tool pprof -http=: shares.$pid.cpu.pb.gz" run.err)"
printf 'not a profile' >junk
"$CPPROF" -check junk >check.txt 2>&1
check_equal "-check of junk: exit" 1 $?
cat "shares.$pid.cpu.pb.gz" "shares.$pid.threads.pb.gz" >both.pb.gz
"$CPPROF" -check both.pb.gz >check.txt 2>&1
check_equal "-check of two files in one: exit" 1 $?

# Our table is pprof's own, line by line, from the totals on.
same_top() # WHAT FILE ROWS: run.out is the table of FILE
{
	if ! command -v go >/dev/null; then
		skip "$1: top table against pprof's: no go"
		return
	fi
	GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)} HOME=$WORK go tool pprof -top -nodefraction=0 \
		-edgefraction=0 -symbolize=none -nodecount="$3" "$2" 2>/dev/null |
		sed -n '/^Duration\|^Showing/,$p' >theirs
	sed -n '/^Duration\|^Showing/,$p' run.out >ours
	diff ours theirs
	check_equal "$1: lines of the table that pprof prints otherwise" 0 "$(diff ours theirs | grep -c '^[<>]')"
	check_number "$1: lines of the table" "$(wc -l <ours) > 4"
}
same_top "defaults" "shares.$pid.cpu.pb.gz" 10
profile_ok "-top=1000" -p "$pid" -seconds 1 -profile cpu -top=1000 -o all.pb.gz
same_top "all rows" all.pb.gz 1000
profile_ok "-top=1000 -symbols none" -p "$pid" -seconds 1 -profile cpu -top=1000 -symbols none -o bare.pb.gz
same_top "rows without names" bare.pb.gz 1000
profile_ok "-top=1000 -profile threads" -p "$pid" -seconds 1 -profile threads -top=1000 -o states.pb.gz
same_top "rows of threads" states.pb.gz 1000
start_target inline_chain
for rows in 2 3 1000; do
	profile_ok "inline_chain -top=$rows" -p "$TARGET" -seconds 1 -profile cpu -top=$rows -o inlined.pb.gz
	same_top "inlined functions, $rows rows" inlined.pb.gz $rows
done
stop_target
rm -f all.pb.gz bare.pb.gz states.pb.gz inlined.pb.gz

# Folders, standard output, formats.
mkdir out
profile_ok "-o out/" -p "$pid" -seconds 0.5 -o out/
check_equal "files in out/" 2 "$(ls out | wc -l)"
profile_ok "-o - -format folded" -p "$pid" -seconds 1 -profile cpu -o - -format folded
check_equal "folded: lines that are not root;...;leaf NUMBER" 0 "$(grep -cvE '^shares;[^ ].* [0-9]+$' run.out)"
check_number "folded: share_40 is there" "$(grep -c ';share_40 ' run.out) > 0"
profile_ok "-o /dev/stdout -format folded" -p "$pid" -seconds 1 -profile cpu -o /dev/stdout -format folded
check_equal "/dev/stdout: lines that are no data" 0 "$(grep -cvE '^shares;[^ ].* [0-9]+$' run.out)"
check_equal "/dev/stdout: still the machine's link" yes "$([ -L /dev/stdout ] && echo yes)"
mkfifo pipe
LIMIT=30 profile -p "$pid" -seconds 0.5 -profile cpu -o pipe
check_equal "a FIFO that nobody reads: exit" 1 "$STATUS"
check_equal "a FIFO that nobody reads: said" 1 "$(grep -c 'nobody reads the FIFO' run.err)"
cat pipe >piped.pb.gz &
reader=$!
started+=("$reader")
LIMIT=30 profile_ok "a FIFO with its reader" -p "$pid" -seconds 0.5 -profile cpu -o pipe
wait $reader
check "what came through the FIFO" "$CPPROF" -check piped.pb.gz
rm -f piped.pb.gz
profile_ok "-o x.folded" -p "$pid" -seconds 0.5 -profile cpu -o x.folded
check_number "x.folded is folded" "$(grep -c '^shares;' x.folded) > 0"
profile_ok "-o x.txt" -p "$pid" -seconds 0.5 -profile cpu -o x.txt
check_equal "x.txt is a table" 1 "$(grep -c 'flat%' x.txt)"
rm -f -- *.pb.gz
profile_ok "-top=3" -p "$pid" -seconds 1 -top=3
check_equal "-top=3: rows" 3 "$(awk '/flat%/ { on = 1; next } on' run.out | wc -l)"
check_equal "-top: no files" 0 "$(ls -- *.pb.gz 2>/dev/null | wc -l)"
profile_ok "-q" -p "$pid" -seconds 0.5 -q -o out/
check_equal "-q says nothing" 0 "$(cat run.out run.err | wc -c)"
profile_some "-o /dev/null" -p "$pid" -seconds 0.3 -profile cpu -o /dev/null
check_equal "what went into /dev/null is not read next" "1 0" "$(grep -c 'wrote ' run.err) $(grep -c 'next ' run.err)"
profile -p "$pid" -seconds 0.3 -profile threadcreate -o "$WORK/created.pb.gz"
check_equal "threadcreate does not say that it samples" "1 0" "$(grep -c 'attached to process' run.err) $(grep -c sampling run.err)"
# Where nothing else is said, why the status is 4; and of heap what was not found.
start_target idle 3 5 0
profile -q -p "$TARGET" -seconds 0.3 -profile cpu -o empty.pb.gz
check_equal "-q and no samples" "4 1 0" "$STATUS $(grep -c '^cpprof-attach: no CPU samples' run.err) $(wc -c <run.out)"
profile -p "$TARGET" -seconds 0.3 -profile heap -alloc-prefix nosuch_ -o empty.pb.gz
check_equal "heap and no samples" "4 1" "$STATUS $(grep -c 'no allocation was sampled; a smaller -heap-rate' run.err)"
check_equal "-alloc-prefix of nothing" 1 "$(grep -c 'alloc-prefix: there is no allocator .* nosuch_malloc' run.err)"
profile_ok "of a moment" -p "$TARGET" -profile threads -o empty.pb.gz
check_equal "of a moment: no part of a window" "1 0" "$(grep -c '^stops ' run.err) $(grep -c 'of the window' run.err)"
stop_target
rm -f empty.pb.gz
if [ -w /dev/full ]; then
	for words in -h -version "-check shares.$pid.cpu.pb.gz"; do
		[ "${words#-check}" = "$words" ] || cp out/"shares.$pid.cpu.pb.gz" .
		# shellcheck disable=SC2086
		"$CPPROF" $words >/dev/full 2>run.err
		check_equal "$words on a full disk: exit" 1 $?
	done
	"$CPPROF" -p "$pid" -cleanup 2>/dev/full
	check_equal "-cleanup on a full disk: exit" 1 $?
	rm -f "shares.$pid.cpu.pb.gz"
fi
"$CPPROF" -h >h.txt 2>&1
check_equal "-h: exit" 0 $?
check_equal "-version" "cpprof-attach" "$("$CPPROF" -version | cut -d' ' -f1)"

# Names.
profile_ok "-symbols none" -p "$pid" -seconds 1 -profile cpu -symbols none -o none.pb.gz
check_equal "-symbols none: functions of the program" 0 "$(proof stacks none.pb.gz | grep -c share_40)"
check "-symbols none: -check" "$CPPROF" -check none.pb.gz
profile_ok "-symbols symtab" -p "$pid" -seconds 1 -profile cpu -symbols symtab -o symtab.pb.gz
check_number "-symbols symtab: share_40" "$(proof cum symtab.pb.gz share_40) > 0"

# Ctrl-C: what was collected is written; a second one leaves at once.
interrupt() # TIMES
{
	"$CPPROF" -p "$pid" -seconds 60 -profile cpu -o int.pb.gz >run.out 2>run.err </dev/null &
	local profiler=$! i

	started+=("$profiler")
	for ((i = 0; i < 100; i++)); do
		grep -q sampling run.err && break
		sleep 0.05
	done
	sleep 1
	for ((i = 0; i < $1; i++)); do
		kill -INT $profiler
	done
	wait $profiler
	STATUS=$?
}
rm -f int.pb.gz
# A shell without job control starts background commands with SIGINT ignored; ours listens anyway.
interrupt 1
check_equal "Ctrl-C: exit" 0 "$STATUS"
check_number "Ctrl-C: samples" "$(proof samples int.pb.gz) > 0"
check_number "Ctrl-C: true duration" "$(proof duration int.pb.gz) < 20000000000"
check_unharmed "$pid" "after Ctrl-C"
rm -f int.pb.gz
"$CPPROF" -p "$pid" -seconds 60 -profile cpu -o int.pb.gz >run.out 2>run.err </dev/null &
profiler=$!
started+=("$profiler")
sleep 1
# Stopped at its window's end by nothing but us: both signals before it can finish writing.
kill -INT $profiler
kill -TERM $profiler
wait $profiler
status=$?
[ $status = 130 ] || [ $status = 0 ]
check_equal "two at once: exit 130, or 0 if it was done before the second" yes "$([ $status = 130 ] || [ $status = 0 ] && echo yes)"
(trap '' HUP; exec "$CPPROF" -q -p "$pid" -seconds 1.5 -profile cpu -o int.pb.gz) &
profiler=$!
started+=("$profiler")
sleep 0.7
kill -HUP $profiler
wait $profiler
check_number "nohup: runs on" "$(proof duration int.pb.gz) >= 1500000000"
# timeout sends its signal, and sends it again to the group: that is one, which ends the window.
given_up=0
for i in 1 2 3 4 5 6; do
	timeout --preserve-status 0.5 "$CPPROF" -q -p "$pid" -seconds 0 -profile cpu -o int.pb.gz 2>run.err
	[ $? = 130 ] && given_up=$((given_up + 1))
done
check_equal "timeout: windows that were given up" 0 $given_up
check_equal "no temporary files" 0 "$(ls -A | grep -c '\.cpprof-')"
check_unharmed "$pid" "after two"

# Started through the dynamic loader, or without its main thread, the program is still the file's title.
title() # FILE
{
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import proof
p = proof.Profile(sys.argv[2]); print(p.strings[p.mappings[0].get(5, 0)])' "$LIB" "$1"
}
loader=$(ls /lib64/ld-linux-x86-64.so.* 2>/dev/null | head -1)
if [ "$loader" ]; then
	TARGET_OUT=$WORK/loaded.out
	"$loader" --inhibit-cache "$TARGETS/shares" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	wait_ready
	profile_ok "started through the loader" -p "$TARGET" -seconds 0.5 -profile cpu -o loaded.pb.gz
	check_equal "its title" "$TARGETS/shares" "$(title loaded.pb.gz)"
	stop_target
fi
start_target leader_exit
profile_ok "without its main thread" -p "$TARGET" -seconds 0.5 -profile cpu -o leader.pb.gz
check_equal "its title" "$TARGETS/leader_exit" "$(title leader.pb.gz)"
stop_target

# -seconds 0 runs until Ctrl-C; the target's end ends it too.
start_target shares 3
profile_ok "-seconds 0 until the target ends" -p "$TARGET" -seconds 0 -profile cpu -o end.pb.gz
check_number "-seconds 0: samples" "$(proof samples end.pb.gz) > 20"
stop_target
stop_target "$pid"
cd /
finish
