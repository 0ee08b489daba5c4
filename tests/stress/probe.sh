#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The allocation probe comes and goes by the real program, and its runs are killed at random points,
# all of their processes or only the tracer, while the target's threads allocate and check what they
# wrote, others come and go, children are born by fork and vfork, run other programs, libraries are
# loaded, and signals come: after each run, or -cleanup, its code, mappings, descriptors and signal
# masks are as before, and nothing was ever wrong in it.
#
#   ROUNDS (2) of the program, KILLS (3) of runs that are killed; by hand 50 and 200.
#   LOOPS (0; by hand 500): the same without the program around it, tests/unit/test_probe
. "$(dirname "$0")/../lib/harness.sh"
need python3
RANDOM=${SEED:-7}

# what PID: code, what is mapped of the program and its C library, what is open for good, and the
# masks of threads that never change theirs; with all that a probe has
what()
{
	python3 - "$1" <<-'PY'
		import hashlib, os, re, sys
		pid = sys.argv[1]
		mem = open(f"/proc/{pid}/mem", "rb")
		for line in open(f"/proc/{pid}/maps"):
		    m = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line)
		    start, end, size = int(m[1], 16), int(m[2], 16), int(m[2], 16) - int(m[1], 16)
		    lasts = re.search(r"/libc\.so|alloc_storm", m[4])
		    if lasts and "x" in m[3]:
		        mem.seek(start)
		        print(m[1], m[2], m[3], hashlib.sha256(mem.read(size)).hexdigest())
		    elif lasts or "cpprof" in m[4] or ("x" in m[3] and not m[4].startswith("/")) or size == 0x958000:
		        print(line.strip())
		for fd in os.listdir(f"/proc/{pid}/fd"):
		    try:
		        link = os.readlink(f"/proc/{pid}/fd/{fd}")
		    except OSError:
		        continue
		    if int(fd) <= 2 or "memfd" in link:
		        print("descriptor", fd, link)
		status = open(f"/proc/{pid}/status").read()
		print(*re.findall(r"Sig(?:Ign|Cgt):.*|TracerPid:.*|State:\t[TtZ].*", status))
	PY
}

is_as_before() # WHAT: it lives, and is as it was
{
	what "$PID" >"$WORK/after" 2>&1
	cmp -s "$WORK/before" "$WORK/after" && return
	fail "$1: $(diff "$WORK/before" "$WORK/after" | head -5)"
	return 1
}

start_target alloc_storm
PID=$(awk '$1 == "ready" { print $2 }' "$TARGET_OUT")
sleep 0.2
what "$PID" >"$WORK/before"

heap_run() { exec "$CPPROF" -p "$PID" -profile heap -heap-rate 16384 -symbols none -o "$WORK/h.pb.gz" "$@"; }

rounds=${ROUNDS:-2} done=0 longest=0
for ((round = 0; round < rounds; round++)); do
	(heap_run -seconds $((RANDOM % 300))ms) >"$WORK/run.out" 2>"$WORK/run.err" </dev/null
	status=$?
	[ $status = 0 ] || [ $status = 4 ] || { fail "round $round: status $status: $(tail -2 "$WORK/run.err")"; break; }
	is_as_before "round $round" || break
	ms=$(sed -n 's/.*all threads stopped .* at most \([0-9.]*\)ms.*/\1/p' "$WORK/run.err")
	echo "${ms:-0}" >>"$WORK/stops"
	done=$((done + 1))
done
check_equal "rounds of the program" "$rounds" "$done"
echo "    longest stop of all, ms: median $(sort -g "$WORK/stops" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'), most $(sort -g "$WORK/stops" | tail -1)"

# How long it takes until the probe is in, ms.
until_it_is_in()
{
	local began=${EPOCHREALTIME/./} i

	(heap_run -seconds 1) >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
	for ((i = 0; i < 500; i++)); do
		grep -q cpprof-probe "/proc/$PID/maps" && break
		sleep 0.005
	done
	echo $(((${EPOCHREALTIME/./} - began) / 1000))
	wait $!
}
in_ms=$(until_it_is_in)

kill_run() # WHICH: all of its processes, or the tracer
{
	local all

	all=$(pgrep -P "$run")
	if [ "$1" = tracer ]; then
		for pid in $all; do
			[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tracer ] && kill -KILL "$pid" 2>/dev/null
		done
	else
		# shellcheck disable=SC2086
		kill -KILL "$run" $all 2>/dev/null
	fi
	wait "$run" 2>/dev/null
	for pid in $all; do
		for ((k = 0; k < 200; k++)); do
			[ -e "/proc/$pid" ] && [ "$(state_of "$pid")" != Z ] || break
			sleep 0.01
		done
	done
}

kills=${KILLS:-3} done=0 found=0
for ((round = 0; round < kills; round++)); do
	(heap_run -seconds 300ms) >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
	run=$!
	# Around its coming, or its going, or anywhere.
	case $((round % 4)) in
	0 | 1) ms=$((in_ms * 6 / 10 + RANDOM % (in_ms * 6 / 10 + 1))) ;;
	2) ms=$((in_ms + 200 + RANDOM % 300)) ;;
	*) ms=$((RANDOM % (in_ms + 500))) ;;
	esac
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	if ((RANDOM % 2)); then kill_run all; else kill_run tracer; fi
	"$CPPROF" -cleanup -p "$PID" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null
	status=$?
	[ $status = 0 ] || { fail "kill $round after $ms ms: -cleanup: status $status: $(cat "$WORK/run.err")"; break; }
	grep -q "left behind" "$WORK/run.err" && found=$((found + 1))
	is_as_before "kill $round after $ms ms" || break
	done=$((done + 1))
done
check_equal "runs that were killed" "$kills" "$done"
echo "    of these, -cleanup found something to take out after $found"

# The next run cleans by itself.
(heap_run -seconds 0) >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
run=$!
for ((i = 0; i < 500; i++)); do
	grep -q cpprof-probe "/proc/$PID/maps" && break
	sleep 0.01
done
"$CPPROF" -cleanup -p "$PID" >"$WORK/clean.out" 2>"$WORK/clean.err" </dev/null
check_equal "while a run lives: status" 3 $?
check "while a run lives: said" grep -q "that of a run that lives" "$WORK/clean.err"
kill_run all
(heap_run -seconds 100ms) >"$WORK/run.out" 2>"$WORK/run.err" </dev/null
check_number "the next run's status" "$? % 4 == 0"
is_as_before "the next run" && pass "the next run takes out what was left, and its own"
"$CPPROF" -cleanup -p "$PID" >"$WORK/clean.out" 2>"$WORK/clean.err" </dev/null
check_equal "nothing left: status" 0 $?
check "nothing left: said" grep -q "no allocation probe is in it" "$WORK/clean.err"

stop_target
check_equal "nothing was wrong in the target" 0 $?
grep ^truth "$TARGET_OUT" | sed 's/^/    /'

if [ "${LOOPS:-}" ]; then
	ROUNDS=$LOOPS "$TARGETS/../unit/test_probe" >"$WORK/loops.out" 2>&1
	check_equal "the same without the program around it, $LOOPS and $LOOPS kills" 0 $?
	grep -E "samples|ERROR|error" "$WORK/loops.out" | sed 's/^/    /'
fi
finish
