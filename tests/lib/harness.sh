# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the integration scripts share. A script sources this, makes its checks and ends with
# "finish". Exit status: 0 all passed, 1 something failed, 77 skipped as a whole.
#
#   CPPROF   the profiler          (./cpprof-attach)
#   TARGETS  the built test targets (./tests/targets)
set -u

LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CPPROF=${CPPROF:-$PWD/cpprof-attach}
TARGETS=${TARGETS:-$PWD/tests/targets}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/cpprof-test.XXXXXX")
passed=0 failed=0 skipped=0 targets_started=0
started=()	# pids to end, whatever happens

clean_up()
{
	local pid

	for pid in ${started[@]+"${started[@]}"}; do
		# Only a child of ours: the number may be another process's by now.
		[ "$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status" 2>/dev/null)" = $$ ] || continue
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	[ "${KEEP:-}" ] && echo "kept $WORK" || rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

pass() { passed=$((passed + 1)); echo "pass: $*"; }
fail() { failed=$((failed + 1)); echo "FAIL: $*"; }
skip() { skipped=$((skipped + 1)); echo "skip: $*"; }
skip_all() { echo "SKIP: $*"; exit 77; }

# relay FILE: what another program found, in lines that begin with "pass:" or "FAIL:"; all others are shown.
relay()
{
	local line

	while IFS= read -r line; do
		case $line in
		pass:*) pass "${line#pass: }" ;;
		FAIL:*) fail "${line#FAIL: }" ;;
		*) echo "    $line" ;;
		esac
	done <"$1"
}

finish()
{
	echo "$(basename "$0"): $passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] || exit 1
	[ "$passed" != 0 ] || exit 77
	exit 0
}

need() # COMMAND...: skips the script when one is missing
{
	local command

	for command; do
		command -v "$command" >/dev/null || skip_all "no $command"
	done
}

[ -x "$CPPROF" ] || skip_all "no profiler at $CPPROF (set CPPROF)"

# check WHAT COMMAND...: passes when the command succeeds.
check()
{
	local what=$1

	shift
	if "$@" >"$WORK/check.out" 2>&1; then
		pass "$what${1:+: $(head -c 200 "$WORK/check.out" | head -1)}"
	else
		fail "$what"
		sed 's/^/    /' "$WORK/check.out" | head -20
	fi
}

# check_equal WHAT EXPECTED FOUND
check_equal()
{
	if [ "$2" = "$3" ]; then
		pass "$1: $3"
	else
		fail "$1: expected $2, found $3"
	fi
}

# check_number WHAT "EXPRESSION": an arithmetic test with decimals, e.g. "0.99 <= 0.995"
check_number()
{
	if awk "BEGIN { exit !($2) }" </dev/null; then
		pass "$1: $2"
	else
		fail "$1: not $2"
	fi
}

# variants GOAL: programs of targets/variants.mk, made in the folder VARIANTS, where they stay.
variants()
{
	VARIANTS=${VARIANTS:-$PWD/tests/variants}
	mkdir -p "$VARIANTS"
	make -s -j2 -f "$LIB/../targets/variants.mk" -C "$VARIANTS" "$@" >"$WORK/variants.out" 2>&1 && return
	fail "variants $*: $(grep -v warning "$WORK/variants.out" | head -5)"
	finish
}

# start_target NAME ARG...: sets TARGET (pid) and TARGET_OUT; waits until the target is set up.
start_target()
{
	local name=$1

	shift
	[ -x "$TARGETS/$name" ] || skip_all "no target $TARGETS/$name"
	start_command "$TARGETS/$name" "$@"
}

# The same of any command that says "ready".
start_command() # COMMAND...
{
	# A name of its own: an older target's "ready" must not be taken for this one's.
	TARGET_OUT=$WORK/target.$((targets_started++)).out
	"$@" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	wait_ready
}

wait_ready()
{
	local i

	for ((i = 0; i < 1500; i++)); do
		grep -q '^ready ' "$TARGET_OUT" 2>/dev/null && return 0
		kill -0 "$TARGET" 2>/dev/null || break
		sleep 0.02
	done
	fail "target did not become ready: $(head -3 "$TARGET_OUT" 2>/dev/null)"
	finish
}

# stop_target [PID]: ends it by SIGTERM; its exit status is the result.
stop_target()
{
	local pid=${1:-$TARGET} status i kept=()

	kill -TERM "$pid" 2>/dev/null
	for ((i = 0; i < 500; i++)); do
		[ "$(state_of "$pid")" ] && [ "$(state_of "$pid")" != Z ] || break
		sleep 0.02
	done
	if ((i == 500)); then
		fail "target $pid did not end by SIGTERM: $(grep -E 'State|Tracer' /proc/"$pid"/status)"
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null
	status=$?
	for i in ${started[@]+"${started[@]}"}; do
		[ "$i" = "$pid" ] || kept+=("$i")
	done
	started=(${kept[@]+"${kept[@]}"})
	return $status
}

# end_of_target WHAT STATUS: it ends by itself, as it should.
end_of_target()
{
	local status i

	for ((i = 0; i < ${LIMIT:-120} * 10; i++)); do
		[ "$(state_of "$TARGET")" ] && [ "$(state_of "$TARGET")" != Z ] || break
		sleep 0.1
	done
	if ((i == ${LIMIT:-120} * 10)); then
		fail "$1: hangs: $(grep -hE 'State|Tracer' /proc/"$TARGET"/task/*/status | sort | uniq -c | tr '\n\t' ' ')"
		kill -KILL "$TARGET"
	fi
	wait "$TARGET"
	status=$?
	check_equal "$1: target's exit" "$2" $status
}

truth() # KEY: what the target said of itself
{
	awk -v key="$1" '$1 == "truth" && $2 == key { print $3; exit }' "$TARGET_OUT"
}

state_of() # PID
{
	awk '$1 == "State:" { print $2 }' "/proc/$1/status" 2>/dev/null
}

tracer_of() # PID
{
	awk '$1 == "TracerPid:" { print $2 }' "/proc/$1/status" 2>/dev/null
}

# cpu_of PID: CPU time of all its live threads, ns
cpu_of()
{
	cat /proc/"$1"/task/*/schedstat 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# No thread of PID may be stopped or traced.
check_unharmed()
{
	local pid=$1 bad

	kill -0 "$pid" 2>/dev/null || { fail "$2: target is gone"; return 1; }
	bad=$(cat /proc/"$pid"/task/*/status 2>/dev/null | awk '$1 == "State:" { bad += $2 ~ /[Tt]/ }
		$1 == "TracerPid:" { bad += $2 > 0 } END { print bad + 0 }')
	[ "$bad" = 0 ] && return 0
	fail "$2: $bad threads stopped or traced"
	return 1
}

# profile ARG...: runs the profiler with a time limit; sets STATUS, its output in $WORK/run.out
# and $WORK/run.err.
profile()
{
	timeout -k 5 "${LIMIT:-120}" ${VIEW[@]+"${VIEW[@]}"} "$CPPROF" "$@" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null
	STATUS=$?
	check_no_report
}

# Any process of a profiler built with sanitizers may have something to say; its end alone does not
# show, for it is started again.
check_no_report()
{
	grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer' "$WORK/run.err" || return 0
	fail "a sanitizer reports"
	grep -E -A12 'Sanitizer|runtime error:' "$WORK/run.err" | sed 's/^/    /' | head -40
}

# profile_ok WHAT ARG...: the same, and it must succeed.
profile_ok()
{
	local what=$1

	shift
	profile "$@"
	if [ "$STATUS" = 0 ]; then
		pass "$what: exit 0"
	else
		fail "$what: exit $STATUS"
		sed 's/^/    /' "$WORK/run.err" | head -10
		return 1
	fi
}

# profile_some WHAT ARG...: profile_ok with a short window, again where the machine gave the target no
# CPU time in it.
profile_some()
{
	local what=$1 i

	shift
	for ((i = 0; i < 10; i++)); do
		profile "$@"
		[ "$STATUS" = 4 ] || break
	done
	check_equal "$what: exit" 0 "$STATUS"
}

# The figure before the words PATTERN in the summary of the last run.
summary() { sed -nE "s/.*[^0-9.]([0-9.]+)s? $1.*/\1/p" "$WORK/run.err" | head -1; }

# check_balance WHAT FILE [UNSEEN]: the profile adds up to the process clock within 1 %, and of that as
# much at most was not seen (0.02).
check_balance()
{
	local sum unseen

	sum=$(proof sum "$2" cpu)
	unseen=$(proof unsampled "$2")
	check_number "$1: sum and process clock" \
		"0.99 * $(summary 'by the process clock') <= ${sum:-0} / 1e9 && ${sum:-0} / 1e9 <= 1.01 * $(summary 'by the process clock')"
	check_number "$1: not sampled" "${unseen:-1} <= ${3:-0.02}"
}

# check_refused WORDS...: each of these, options that make no sense, is a mistake of usage.
check_refused()
{
	local words

	for words; do
		# shellcheck disable=SC2086
		profile -p $$ -seconds 1 $words
		check_equal "$words: exit" 2 "$STATUS"
	done
}

proof() { python3 "$LIB/proof.py" "$@"; }

# go_pprof FILE: the real pprof reads the file without a complaint; sets GO_PPROF to what it said.
check_go_pprof()
{
	local report

	# Newer Go builds its tools when they are first used: not again for each test.
	GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
	if ! command -v go >/dev/null; then
		skip "go tool pprof on $(basename "$1"): no go"
		return
	fi
	for report in top traces raw; do
		if GOCACHE=$GOCACHE PPROF_TMPDIR=$WORK PPROF_BINARY_PATH=/nonexistent HOME=$WORK go tool pprof -$report \
			"$1" >"$WORK/pprof.out" 2>"$WORK/pprof.err" && [ -s "$WORK/pprof.out" ] &&
			! grep -qiE 'failed|error|malformed|warning|unrecogni' "$WORK/pprof.err"; then
			pass "go tool pprof -$report"
		else
			fail "go tool pprof -$report: $(head -3 "$WORK/pprof.err")"
		fi
	done
}

# check_view FILE TOTAL LABEL: what the real pprof does with it: all of it has that label (-tagfocus), nothing
# has a value that nobody has, and less itself (-diff_base) it is nothing.
check_view()
{
	local shown=() how

	command -v go >/dev/null || { skip "go tool pprof -diff_base of $(basename "$1"): no go"; return; }
	for how in "-tagfocus=$3=." "-tagfocus=$3=nobody has this" "-diff_base=$1"; do
		shown+=("$(PPROF_TMPDIR=$WORK go tool pprof -top -nodefraction=0 -nodecount=100000 "$how" "$1" 2>/dev/null |
			sed -nE 's/.*accounting for ([0-9.]+)[a-z]*,.*/\1/p')")
	done
	check_equal "$(basename "$1"): -tagfocus=$3, of nobody, -diff_base of itself" "$2 0 0" "${shown[*]}"
}

# check_complete FILE [LEAST]: as many stacks reach the start of their program or thread.
check_complete()
{
	local share

	share=$(proof complete "$1")
	check_number "complete stacks" "${share:-0} >= ${2:-0.97}"
	awk "BEGIN { exit !(${share:-0} >= ${2:-0.97}) }" ||
		proof incomplete "$1" | sed 's/^/    /'
}

# Sets VIEW: the profiler sees the machine without debug packages, if there are any.
hide_debug_files()
{
	[ -d /usr/lib/debug ] && unshare -m true 2>/dev/null || return 0
	VIEW=(unshare -m sh -c 'mount -t tmpfs none /usr/lib/debug && exec "$@"' sh)
}

# check_real NAME PID [LEAST]: both default profiles of a real program without debug packages, read
# by the real pprof.
check_real()
{
	local kind out VIEW

	hide_debug_files

	for kind in cpu threads; do
		out=$WORK/$1.$kind.pb.gz
		profile_ok "$1 $kind" -p "$2" -seconds "${SECONDS_EACH:-3}" -hz 200 -profile $kind \
			-o "$out" || continue
		check "$1 $kind: profile is sane" proof sane "$out"
		check_complete "$out" "${3:-0.97}"
		check_go_pprof "$out"
	done
	check_number "$1: CPU found" "$(proof sum "$WORK/$1.cpu.pb.gz" cpu) > 0"
	check_unharmed "$2" "$1 afterwards" && pass "$1: unharmed"
}
