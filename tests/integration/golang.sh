#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Go programs without symbols and without DWARF: a known chain of 41 calls with functions inlined at
# its end, as fixed and as position-independent program; lines as Go's own tool tells them; the
# runtime at work on a stack of its own, C called by Go; the distribution's restic.
. "$(dirname "$0")/../lib/harness.sh"
need python3 go
seconds=${SECONDS_EACH:-3}
source=$(cd "$(dirname "$0")/../targets" && pwd)/chain.go
out=$WORK/go.pb.gz
export GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
[ "${GOCACHE:-off}" != off ] || GOCACHE=$WORK/cache
export GO111MODULE=off GOTOOLCHAIN=local

build() # NAME FLAGS [MODE [SOURCE]]
{
	go build -ldflags "$2" -buildmode="${3:-exe}" -o "$WORK/$1" "${4:-$source}" >"$WORK/build.out" 2>&1 && return
	fail "build $1: $(head -3 "$WORK/build.out")"
	finish
}

run() # NAME: profiles it
{
	TARGETS=$WORK start_target "$1" 100
	profile_ok "$1" -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$out"
	check_unharmed "$TARGET" "$1" && pass "$1: unharmed"
	stop_target
}

# Of the samples below Run: whole ones, and such with each function.
chain()
{
	proof stacks "$out" | awk -F'\t' '
		/main\.\(\*worker\)\.Run/ {
			split($1, v, " ")
			all += v[1]
			n = split($3, f, ";")
			first = f[1] ~ /goexit/ ? 1 : 0
			downs = order = 0
			for (i = 1; i <= n; i++) {
				downs += f[i] == "main.Down"
				if (f[i] == "main.twist" && (f[first ? i - 1 : i + 1] != "main.mix")) order++
				if (f[i] == "main.mix" && (f[first ? i - 1 : i + 1] != "main.Leaf")) order++
			}
			root = first ? f[1] : f[n]
			if (/main\.Leaf/ && downs == 41 && root == "runtime.goexit") whole += v[1]
			if (/main\.Leaf/) leaf += v[1]
			if (/main\.twist/) twist += v[1]
			bad += order
		}
		END { print all + 0, leaf + 0, whole + 0, twist + 0, bad + 0 }'
}

check_chain() # NAME
{
	local all leaf whole twist bad

	read -r all leaf whole twist bad < <(chain)
	check_number "$1: samples" "$all > 50 * $seconds"
	check_number "$1: of the leaf" "$leaf > 0.9 * $all"
	check_number "$1: whole chains" "$whole >= 0.99 * $leaf"
	check_number "$1: inlined functions" "$twist > 0.5 * $leaf"
	check_equal "$1: inlined functions in the wrong place" 0 "$bad"
}

# The same program with its symbols, in the hands of Go's own tool.
check_lines() # NAME NAME_WITH_SYMBOLS
{
	proof places "$out" "$1" | awk '{ print $1, $NF }' | sort -u >"$WORK/ours"
	awk '{ print "0x" $1 }' "$WORK/ours" | go tool addr2line "$WORK/$2" 2>/dev/null | awk 'NR % 2 == 0' >"$WORK/theirs"
	paste -d ' ' "$WORK/ours" "$WORK/theirs" | awk '{ n++; same += $2 == $3; if ($2 != $3 && shown++ < 5) print "    " $0 }
		END { print n + 0, same + 0 }' >"$WORK/compared"
	read -r n same < <(tail -1 "$WORK/compared")
	check_number "$1: addresses with lines" "$n >= 5"
	check_equal "$1: lines as go tool addr2line has them" "$n" "$same"
	[ "$n" = "$same" ] || head -5 "$WORK/compared"
}

build whole ""
build stripped "-s -w"
run stripped
check_chain stripped
check_lines stripped whole
build pie "-s -w" pie
run pie
check_chain pie

# Samples of a function on the system stack, and those of them whose goroutine is there to its root. What
# the scheduler does has none. The first few are taken before it is known what to look for.
crossed() # FUNCTION GOROUTINE
{
	proof stacks "$out" | awk -F'\t' -v over="$1" -v below="$2" '
		$3 ~ over && $3 !~ /runtime\.schedule|runtime\.gopreempt_m/ {
			split($1, v, " ")
			n += v[1]
			whole += $3 ~ below ? v[1] : 0
		}
		END { print n + 0, whole + 0 }'
}

check_crossed() # WHAT FUNCTION GOROUTINE
{
	local n whole

	read -r n whole < <(crossed "$2" "$3")
	check_number "$1: samples" "$n >= 1"
	check_number "$1: whole" "$whole >= 0.95 * $n - 3"
}

build stacks "-s -w" exe "${source%/*}/stacks.go"
run stacks
check_crossed "growing stacks" 'runtime\.newstack;runtime\.morestack;' \
	'runtime\.morestack;(main\.Deep;)+main\.Grow;(main\.Loop[^;]*;)?runtime\.goexit$'
check_crossed "called on the system stack" 'runtime\.systemstack;' 'runtime\.systemstack;.*;runtime\.goexit$'
check_crossed "asking for the time" ';(time\.now|runtime\.nanotime1);' \
	'(time\.now|runtime\.nanotime1);.*runtime\.(goexit|mcall|morestack|systemstack|mstart);?.*$'
# The more CPUs, the more of the scheduler.
check_complete "$out" 0.7

if [ "$(go env CGO_ENABLED)" = 1 ]; then
	build cgo "" exe "${source%/*}/cgo.go"
	run cgo
	check_crossed "called through cgo" '^c_work;c_outer;.*;runtime\.asmcgocall' \
		'runtime\.asmcgocall[^;]*;.*;main\.Inner;main\.Outer;main\.main;runtime\.main;runtime\.goexit'
	check_complete "$out" 0.95
else
	skip "cgo: no C compiler for it"
fi

if command -v restic >/dev/null; then
	export RESTIC_PASSWORD=x HOME=$WORK
	restic -r "$WORK/repository" init -q --no-cache >"$WORK/restic.out" 2>&1 || fail "restic: $(head -2 "$WORK/restic.out")"
	restic -r "$WORK/repository" backup -q --no-cache /usr/lib /usr/share /usr/bin >"$WORK/restic.out" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	sleep 1
	profile_ok restic -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$out"
	check_unharmed "$TARGET" restic && pass "restic: unharmed"
	check_complete "$out" 0.95
	check_number "restic: what it does is seen" "$(proof stacks "$out" | grep -c 'restic/internal/archiver') > 0"
	check_go_pprof "$out"
	stop_target
else
	skip "restic: not installed"
fi
finish
