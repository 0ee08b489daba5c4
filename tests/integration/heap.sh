#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The heap and allocs profiles of a process that was not prepared for it: each place in its code has
# what it allocated and what of that is alive, within what chance allows, and what is freed is gone.
# Afterwards the process is as it was before.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/heap.sh"
need python3
RATE=16384

start_target allocs 4
python3 "$LIB/process_state.py" "$TARGET" >"$WORK/before"
"$CPPROF" -p "$TARGET" -profile heap,allocs -heap-rate $RATE -seconds 0 -o "$WORK/" >"$WORK/run.out" 2>"$WORK/run.err" &
run=$!
check "the probe goes in" armed
kill -USR1 "$TARGET"
for ((i = 0; i < 1000; i++)); do
	[ "$(truth done)" ] && break
	sleep 0.02
done
kill -INT $run
wait $run
check_equal "status" 0 $?
check_no_report
sleep 0.1
python3 "$LIB/process_state.py" "$TARGET" >"$WORK/after"
check "code, mappings, descriptors and signals are as before" cmp "$WORK/before" "$WORK/after"
check_unharmed "$TARGET" "after the run"
lost=$(sed -n 's/.*lost: \([0-9]*\) for want of room.*/\1/p' "$WORK/run.err")

for kind in heap allocs; do
	file=$(echo "$WORK"/*."$kind".pb.gz)
	check "$kind: a valid file" "$CPPROF" -check "$file"
	proof stacks "$file" >"$WORK/$kind.stacks"
	check "$kind: each place within 4 sigma, freed ones exactly 0" python3 - "$TARGET_OUT" "$WORK/$kind.stacks" $RATE "${lost:-x}" <<-'PY'
		import collections, math, re, sys
		lost = int(sys.argv[4]) # said and counted: of a busy machine
		rate, found = float(sys.argv[3]), collections.defaultdict(lambda: [0] * 4)
		for line in open(sys.argv[2]):
		    values, _, names = line.rstrip("\n").split("\t")
		    leaf = names.split(";")[0]
		    for i, v in enumerate(values.split()):
		        found[leaf][i] += int(v)
		checked = 0
		for line in open(sys.argv[1]):
		    word = line.split()
		    if word[0] != "truth" or len(word) != 7:
		        continue
		    truth, size, got = [int(w) for w in word[2:6]], int(word[6]), found[word[1]]
		    p = -math.expm1(-size / rate)
		    for objects in (0, 2):
		        n, b = truth[objects], truth[objects + 1]
		        sigma = math.sqrt(n * (1 - p) / p), math.sqrt(b * size * (1 - p) / p)
		        for at, want, s in ((objects, n, sigma[0]), (objects + 1, b, sigma[1])):
		            # each sample is rounded to whole objects and bytes
		            assert abs(got[at] - want) <= 4 * s + 2 * math.sqrt(n * p) + 1 + lost * (want / n if n else 0) / p, (word[1], at, want, got[at], s)
		        if not n:
		            assert got[objects] == got[objects + 1] == 0, word
		    checked += 1
		assert checked == 12
		# None counts twice, once more by what it calls in the C library.
		nested = [leaf for leaf in found if re.match(r"_*(m|c|re)alloc(array)?$|.*memalign|_*aligned_alloc|_*p?valloc", leaf)]
		assert not nested, nested
		print("12 places")
	PY
done
check "what it says of itself" grep -q "heap      since we attached: allocated .* in use" "$WORK/run.err"
stop_target

# A thousand threads that sleep are stopped, too, and sleep on; their registers, masks and calls are as before.
start_target allocs 1 1000
python3 "$LIB/process_state.py" "$TARGET" >"$WORK/before"
for ((i = 0; i < 5; i++)); do
	profile -p "$TARGET" -profile heap -seconds 100ms -symbols none -o "$WORK/many.pb.gz"
	grep -q "some thread does not stop" "$WORK/run.err" || break
done
check "a thousand threads: exit $STATUS" [ "$STATUS" = 0 -o "$STATUS" = 4 ]
check "a thousand threads: stopped" grep -q "all threads stopped 2 times" "$WORK/run.err"
grep "all threads stopped" "$WORK/run.err"
python3 "$LIB/process_state.py" "$TARGET" >"$WORK/after"
check "a thousand threads: as before" cmp "$WORK/before" "$WORK/after"
check_equal "a thousand threads: all are looked at" 1002 "$(grep -c ^task "$WORK/after")"
check_unharmed "$TARGET" "a thousand threads" && pass "a thousand threads: unharmed"
stop_target

# Another program in the process, with the probe in the old one: it has nothing of it.
code() { python3 "$LIB/process_state.py" "$1" | awk '$3 ~ /x/ && NF == 4 { print $3, $4 } /^\[/' | sort; }
start_target allocs 1
other=$TARGET
start_target allocs 1
"$CPPROF" -p "$TARGET" -profile heap -heap-rate $RATE -seconds 1500ms -o "$WORK/exec.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err" &
run=$!
check "exec: the probe goes in" armed
kill -USR1 "$TARGET"
sleep 0.2
kill -USR2 "$TARGET"
wait $run
check_equal "exec: status" 0 $?
check_no_report
check "exec: said" grep -q "the process began another program (exec), whose allocations are not in it" "$WORK/run.err"
check_equal "exec: it began" 2 "$(grep -c ^ready "$TARGET_OUT")"
code "$other" >"$WORK/before"
code "$TARGET" >"$WORK/after"
check "exec: code and descriptors of the new program are another's like it" cmp "$WORK/before" "$WORK/after"
check "exec: nothing of the probe" test "$(grep -c cpprof "/proc/$TARGET/maps")" = 0 -a -s "$WORK/after"
check_unharmed "$TARGET" "exec" && pass "exec: unharmed"
kill -USR1 "$TARGET"
for ((i = 0; i < 1000; i++)); do
	[ "$(truth done)" ] && break
	sleep 0.02
done
check_equal "exec: the new program allocates and frees" 1 "$(truth done)"
stop_target
stop_target "$other"

# Refusals leave the process alone.
start_target allocs 1
kill -STOP "$TARGET"
check_refused_target() # WHAT WORDS ARG...
{
	local what=$1 words=$2

	shift 2
	profile "$@" -seconds 1 -o "$WORK/no.pb.gz"
	check_equal "$what: status" 3 "$STATUS"
	check "$what: said" grep -q "$words" "$WORK/run.err"
}
check_refused_target "stopped" "stopped by job control" -p "$TARGET" -profile heap
check_equal "stopped: still is" T "$(state_of "$TARGET")"
kill -CONT "$TARGET"
stop_target
finish
