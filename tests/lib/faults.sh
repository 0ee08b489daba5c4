# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One system call of the profiler's own fails, or takes its time: strace sees to it, in each of our
# processes at its Nth call. Whatever it was, the run ends with a documented status, the target is
# as it was, nothing of ours is left, and what was lost is told (tests/lib/faults.py says how).
#
#   FAULT_SECONDS  the window (0.3)
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"

faults_run=0 faults_bad=0 faults_injected=0
clock_log= recorder= fault_threads=

# fault_target NAME ARG...: the target of the runs to come; its CPU clock is written down.
fault_target()
{
	start_target "$@"
	fault_threads=$(ls /proc/"$TARGET"/task | wc -l)
	clock_log=$WORK/$1.$targets_started.clock
	python3 "$LIB/faults.py" clock "$TARGET" >"$clock_log" &
	recorder=$!
	started+=("$recorder")
}

# It ends well: it has checked its own work.
fault_target_end()
{
	local status

	stop_target
	status=$?
	check_equal "the target's own sums" 0 $status
	wait "$recorder" 2>/dev/null
}

# Those of ours that a run has left: they show in strace's log.
fault_left()
{
	local pid

	for pid in $(awk '{ print $1 }' "$1" | sort -u); do
		[ "$(state_of "$pid")" ] && [ "$(state_of "$pid")" != Z ] || continue
		[ "$(readlink /proc/"$pid"/exe)" = "$(readlink -f "$CPPROF")" ] && echo "$pid"
	done
}

# The target still uses CPU, so it was let go.
fault_goes_on()
{
	local i before

	before=$(cpu_of "$TARGET")
	for ((i = 0; i < 500; i++)); do
		[ "$(cpu_of "$TARGET")" != "$before" ] && return 0
		sleep 0.02
	done
	return 1
}

# fault_once CALLS INJECTION: a run, all of it in $WORK/fault; sets fault_status and fault_found.
fault_once()
{
	local dir=$WORK/fault left

	rm -rf "$dir"
	mkdir "$dir" "$dir/out"
	# A leak sanitizer would trace us itself.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 timeout -k 5 60 strace -f --seccomp-bpf \
		-qq -o "$dir/log" -e signal=none -e trace="$1",prctl -e inject="$1:$2" \
		"$CPPROF" -p "$TARGET" -seconds "${FAULT_SECONDS:-0.3}" -hz 200 -max-stop 100 \
		-o "$dir/out/" >"$dir/stdout" 2>"$dir/stderr" </dev/null
	fault_status=$?
	faults_run=$((faults_run + 1))
	faults_injected=$((faults_injected + $(grep -cE 'INJECTED|DELAYED' "$dir/log")))
	fault_found=
	left=$(fault_left "$dir/log")
	if [ "$left" ]; then
		fault_found="left running: $(echo $left)"$'\n'
		kill -KILL $left 2>/dev/null
	fi
	fault_found+=$(python3 "$LIB/faults.py" judge "$dir" "$fault_status" "$clock_log" "$fault_threads" \
		"$(cat /proc/"$TARGET"/comm)")
	fault_goes_on || fault_found+=$'\n'"the target does not go on"
	check_unharmed "$TARGET" "$1 $2" || fault_found+=$'\n'"the target is held"
}

# fault CALLS INJECTION: INJECTION as after "inject=CALLS:". 1: no process of ours has made so many
# calls. What may be the machine's doing (see faults.py) counts if it is so three times.
fault()
{
	local tries

	for tries in 1 2 3; do
		fault_once "$1" "$2"
		echo "$fault_found" | grep -q '^ticks:' || break
		echo "$fault_found" | grep -qv '^ticks:' && break
	done
	if [ "$fault_found" ]; then
		faults_bad=$((faults_bad + 1))
		fail "$1 $2 (exit $fault_status): $(echo "$fault_found" | grep . | tr '\n' ';')"
		[ "${FAULT_SHOW:-}" ] && sed 's/^/    /' "$WORK/fault/stderr"
	fi
	grep -qE 'INJECTED|DELAYED' "$WORK/fault/log"
}

# faults CALLS INJECTION "N...": a run for each N, until the calls are not so many.
faults()
{
	local n beyond=0

	for n in $3; do
		if fault "$1" "$2:when=$n"; then
			beyond=0
		else
			beyond=$((beyond + 1))
		fi
		((beyond >= 2)) && break
	done
}

fault_report()
{
	echo "    $faults_run runs, $faults_injected injections, $faults_bad runs with findings"
	[ $faults_bad = 0 ] && pass "$1: $faults_run runs, $faults_injected injections"
}

need strace python3
strace -f --seccomp-bpf -qq -o "$WORK/probe" -e inject=getppid:error=EPERM true 2>/dev/null ||
	skip_all "strace cannot trace or inject here"
