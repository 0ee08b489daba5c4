#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unwinding per frame, warm and cold, against libdw's own unwinder on the same captures.
# Argument: CAPTURES of each program.
. "$(dirname "$0")/lib.sh"
captures=${1:-1000}
UNWIND=${UNWIND:-$PWD/bench/unwind}
[ -x "$UNWIND" ] || skip_all "no $UNWIND (make bench/unwind)"

printf '%-12s %9s %8s %10s %10s %10s %10s %10s %8s\n' program captures frames "warm ns" "libdw ns" ratio "cold ns" median "hit %"
row() # NAME PID
{
	"$UNWIND" "$2" "$captures" >"$WORK/unwind.out" || return
	awk -v name="$1" '{ v[$1] = $2 } END {
		printf "%-12s %9d %8d %10.1f %10.1f %10.1f %10d %10d %8.2f\n", name, v["captures"], v["frames"],
			v["warm_ns_per_frame"], v["libdw_ns_per_frame"],
			v["libdw_ns_per_frame"] / v["warm_ns_per_frame"], v["cold_ns_per_rule"],
			v["cold_ns_median"], 100 * v["hit_rate"] }' "$WORK/unwind.out"
}
start_target chain40
row chain40 "$TARGET"
stop_target
if [ -x /usr/bin/python3 ]; then
	/usr/bin/python3 -c 'import json, re
while True:
    t = json.dumps({str(i): [i, i * 0.5] for i in range(300)})
    sorted(re.findall(r"\d+", t), key=lambda s: (len(s), s))' &
	started+=($!)
	sleep 0.5
	row python3 $!
	# Recursion through C: sorted calls a key, which sorts.
	/usr/bin/python3 -c 'import json, re
def down(n):
    if n:
        return max(sorted([1, 2], key=lambda _: down(n - 1)))
    t = json.dumps({str(i): [i] for i in range(100)})
    return len(re.findall(r"\d+", t))
while True: down(3)' &
	started+=($!)
	sleep 0.5
	row python3-deep $!
fi
if command -v perl >/dev/null; then
	perl -e 'sub f { my $n = shift; return $n ? join(",", sort { $a <=> $b } map { f($n - 1) . $_ } 1..2) : 1 } f(8) while 1' &
	started+=($!)
	sleep 0.5
	row perl $!
fi
# A compiler, for as long as it takes.
if command -v clang++ >/dev/null; then
	clang++ -std=c++17 -O2 -g -DN=1 -c "$BENCH/unit.cc" -o "$WORK/unit.o" &
	started+=($!)
	sleep 0.5
	row clang++ $!
fi
