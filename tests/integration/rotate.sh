#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -every: files one after the other without a gap. Their CPU adds up to that of the whole run, and
# each one's lies in its own time.
. "$(dirname "$0")/../lib/harness.sh"
need python3
RANDOM=5

start_target shares
mkdir "$WORK/out"
before=$(cpu_of "$TARGET")
profile_ok "six intervals" -p "$TARGET" -every 1 -count 6 -hz 200 -o "$WORK/out/"
after=$(cpu_of "$TARGET")
sed 's/^/    /' "$WORK/run.err" | head -20
mapfile -t files < <(ls "$WORK"/out/*.cpu.*)
check_equal "files of the cpu profile" 6 "${#files[@]}"
check_equal "files of the threads profile" 6 "$(ls "$WORK"/out/*.threads.* | wc -l)"
check_equal "names" 12 "$(ls "$WORK/out" | grep -cE "^shares\.$TARGET\.(cpu|threads)\.[0-9]{8}T[0-9]{6}\.[0-9]{3}Z\.pb\.gz$")"
sum=0 long=0
for f in "${files[@]}"; do
	check "$(basename "$f") is sane" proof sane "$f"
	cpu=$(proof sum "$f" cpu) duration=$(proof duration "$f")
	check_number "its CPU fits into its time" "$cpu <= $duration * 1.02 && $cpu > 0"
	check_number "and its samples" "$(proof samples "$f") <= $duration * 2.2e-7 + 4 * sqrt($duration * 2e-7)"
	sum=$((sum + cpu)) long=$((long + duration))
done
check_number "sum over the files against the clock" "$sum <= ($after - $before) && $sum >= ($after - $before) * 0.9"
check_number "no gap between them" "$long >= 5.95e9 && $long <= 6.5e9"
# Each begins where the one before ended.
check "each begins where the other ends" env LIB="$LIB" python3 - "${files[@]}" <<'END'
import sys, os
sys.path.insert(0, os.environ["LIB"])
import proof
files = [proof.Profile(f) for f in sys.argv[1:]]
gaps = [b.time - (a.time + a.duration) for a, b in zip(files, files[1:])]
print("gaps in us:", *[g // 1000 for g in gaps])
sys.exit(any(abs(g) > 5_000_000 for g in gaps))
END
check "the target's own sums hold" stop_target

# A restart of the tracer or the worker in the middle costs no interval; Ctrl-C ends the last early.
start_target mix 0 30 2 20
rm -f "$WORK"/out/*
"$CPPROF" -p "$TARGET" -every 1 -hz 200 -profile cpu -o "$WORK/out/" >/dev/null 2>"$WORK/run.err" </dev/null &
profiler=$!
started+=("$profiler")
for ((i = 0; i < 12; i++)); do
	sleep "0.$((2 + RANDOM % 4))"
	mapfile -t roles < <(cat /proc/$profiler/task/$profiler/children | tr ' ' '\n' | sed '/^$/d')
	for pid in "${roles[@]}"; do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		tracer) [ $((i % 3)) = 0 ] && kill -KILL "$pid" ;;
		worker) [ $((i % 3)) = 1 ] && kill -KILL "$pid" ;;
		esac
	done
done
kill -INT $profiler
wait $profiler
check_equal "killed roles: exit" 0 $?
tail -14 "$WORK/run.err" | sed 's/^/    /'
check_number "files" "$(ls "$WORK/out" | wc -l) >= 4"
for f in "$WORK"/out/*; do
	proof sane "$f" >"$WORK/sane.out" 2>&1 || fail "$(basename "$f"): $(head -1 "$WORK/sane.out")"
done
check_unharmed "$TARGET" "afterwards" && pass "unharmed"
check "target ends well" stop_target

# Threads and processes that come and go: each interval has its own.
start_target threads_churn 6 8
rm -f "$WORK"/out/*
profile_ok "threads that come and go" -p "$TARGET" -every 1 -hz 200 -profile cpu -o "$WORK/out/"
wait "$TARGET"
check_equal "the target's exit" 0 $?
for f in "$WORK"/out/*; do
	proof sane "$f" >"$WORK/sane.out" 2>&1 || fail "$(basename "$f"): $(head -1 "$WORK/sane.out")"
	check_number "$(basename "$f"): CPU fits into its time" "$(proof sum "$f" cpu) <= $(proof duration "$f") * 2.02"
done
check_refused "-count 3" "-every 0.5" "-every x" "-every 1 -o $WORK/x.pb.gz"
finish
