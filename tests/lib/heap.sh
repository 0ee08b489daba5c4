# SPDX-License-Identifier: GPL-2.0-or-later
# A heap profile of a program around what a test has it do, beside what the program says of itself.

# armed: until the probe is in, which the run says in run.err (it is mapped a moment before)
armed()
{
	local i

	for ((i = 0; i < 1000; i++)); do
		grep -q "sampling the allocations" "$WORK/run.err" && return
		sleep 0.02
	done
	return 1
}

# heap_begin PID NAME [RATE [OPTION...]]: the probe is in when it returns; heap_end NAME takes it out and waits.
heap_begin()
{
	observed=$1
	: >"$WORK/run.err"
	"$CPPROF" -p "$1" -profile heap -heap-rate "${3:-65536}" -seconds 0 -o "$WORK/$2.pb.gz" \
		-summary "$WORK/$2.json" "${@:4}" \
		>"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
	profiler=$!
	started+=("$profiler")
	check "$2: the probe goes in" armed
}

heap_end() # NAME
{
	kill -INT $profiler
	wait $profiler
	check_equal "$1: exit" 0 $?
	check_no_report
	grep -E -A5 '^heap' "$WORK/run.err" | sed 's/^/    /'
	check "$1: hardly any is lost" python3 "$LIB/heap_real.py" lost "$WORK/$1.json"
	check_equal "$1: taken out" 0 "$(grep -c cpprof-probe "/proc/$observed/maps")"
	check_unharmed "$observed" "$1 afterwards" && pass "$1: unharmed"
}

within() # NAME TYPE LOW HIGH [WITHOUT]
{
	check "$1: $2" python3 "$LIB/heap_real.py" within "$WORK/$1.pb.gz" "$2" \
		"$(awk "BEGIN { print $3 }")" "$(awk "BEGIN { print $4 }")" "${@:5}"
}

wait_for() # COMMAND...
{
	local i

	for ((i = 0; i < 400; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.025
	done
	fail "in vain: $*"
}
