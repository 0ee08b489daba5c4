# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the benchmarks share, on top of the tests' harness: CPU of a whole command, medians, and a
# bare sampling loop to compare with (built here unless FLOOR names one).
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$BENCH/../tests/lib/harness.sh"

FLOOR=${FLOOR:-$PWD/bench/floor}
if [ ! -x "$FLOOR" ]; then
	FLOOR=$WORK/floor
	${CC:-cc} -O2 -o "$FLOOR" "$BENCH/floor.c" || skip_all "can't build floor.c"
fi

# All tools see the machine without debug packages: reading those is a cost of its own.
VIEW=()
[ "${WITH_DEBUG:-}" ] || hide_debug_files

# cpu_us COMMAND...: user and system time of the command and all it waited for, in microseconds
cpu_us()
{
	local TIMEFORMAT='%U %S'

	{ time ${VIEW[@]+"${VIEW[@]}"} "$@" >"$WORK/cpu.out" 2>"$WORK/cpu.err" </dev/null; } 2>"$WORK/cpu.time"
	awk 'END { printf "%.0f\n", ($1 + $2) * 1e6 }' "$WORK/cpu.time"
}

median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "-" }'; }

samples_in() { proof samples "$1" 2>/dev/null || echo 0; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f\n", a / b; else print "-" }'; }
