#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A chain of 40 calls in ten languages, by each compiler and in each kind of program: its stacks end
# at the root and have all 40 in order; where there is no unwind information, they say so.
. "$(dirname "$0")/../lib/harness.sh"
need python3 make gcc g++ clang ld.lld musl-gcc rustc go gfortran gnatmake ldc2 ocamlopt
seconds=${LONG:+3}
seconds=${seconds:-0.5}
export GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
[ "${GOCACHE:-off}" != off ] || export GOCACHE=$WORK/cache

variants matrix
command -v ghc >/dev/null || skip "haskell: no ghc"
mkdir "$WORK/said"
for program in "$VARIANTS"/[!w]*-*-*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	"$program" 300 >"$WORK/said/${program##*/}" 2>&1 &
	started+=($!)
	pids=${pids:+$pids,}$!
	# One that cannot tell has no library that could.
	[[ $program != *asm-none-* ]] || echo "ready $!" >>"$WORK/said/${program##*/}.pid"
done
for program in "$WORK/said"/asm-*.pid; do
	mv "$program" "${program%.pid}"
done
for file in "$WORK/said"/*; do
	TARGET_OUT=$file TARGET=$(sed -n 's/^ready //p' "$file") wait_ready
done
# Two at a time, so that each has a CPU.
all=($(tr ',' ' ' <<<"$pids"))
kill -STOP "${all[@]}"
(
	sleep 1
	for ((i = 0; i < ${#all[@]}; i += 2)); do
		kill -CONT "${all[@]:i:2}"
		sleep "$seconds"
		kill -STOP "${all[@]:i:2}"
	done
) &
rotation=$!
started+=($rotation)
window=$(awk "BEGIN { print 2 + ${#all[@]} / 2 * ($seconds + 0.02) }")
LIMIT=300 profile_ok "all in turn" -p "$pids" -seconds "$window" -hz 997 -max-stop 100% -profile cpu -o "$WORK/m.pb.gz"
kill -KILL "${all[@]}"
wait "${all[@]}" $rotation 2>/dev/null
started=()
sed -n '/^samples/,/^stops/p' "$WORK/run.err" | sed 's/^/    /'
python3 "$LIB/../matrix/check.py" "$WORK/m.pb.gz" "$WORK/said" "$VARIANTS" >"$WORK/table"
status=$?
cat "$WORK/table"
check_equal "programs that are not as they should be" 0 "$(grep -c NOT "$WORK/table")"
check_equal "all of them looked at" 0 $status
check_number "programs" "$(wc -l <"$WORK/table") > 50"
finish
