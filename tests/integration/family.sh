#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several processes in one run: by number, by name, with descendants found as they appear. Each
# process's own CPU is under its pid, the sum is that of the whole tree.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6}

# near WHAT FOUND TRUTH PART: within that part of the truth
near() { check_number "$1" "$2 >= $3 * (1 - $4) && $2 <= $3 * (1 + $4)"; }

# cum FILE FUNC: ns of the stacks with FUNC
cum() { awk "BEGIN { printf \"%.0f\", $(proof cum "$1" "$2") * $(proof sum "$1" cpu) }"; }

# A process's CPU is in its samples whole; what is left to chance is which functions they show.
start_target family "$seconds"
out=$WORK/family.pb.gz
"$CPPROF" -p "$TARGET" -children -seconds 120 -hz 200 -profile cpu -o "$out" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null &
profiler=$!
started+=("$profiler")
for ((i = 0; i < 500; i++)); do
	grep -q sampling "$WORK/run.err" && break
	sleep 0.02
done
sleep 0.2
kill -USR1 "$TARGET"
wait "$TARGET"
check_equal "the target's exit" 0 $?
wait $profiler
check_equal "descendants: exit" 0 $?
check_no_report
sed 's/^/    /' "$WORK/run.err"
check "profile is sane" proof sane "$out"
near "CPU of the tree" "$(proof sum "$out" cpu)" "$(truth tree_cpu)" 0.02
proof pids "$out" >"$WORK/pids"
while read -r _ pid cpu; do
	near "elder $pid" "$(awk -v p="$pid" '$1 == p { print $3 }' "$WORK/pids")" "$cpu" 0.02
done < <(grep ^elder "$TARGET_OUT")
near "elder_work" "$(cum "$out" elder_work)" "$(truth elders)" 0.05
unseen=$(($(cum "$out" '[CPU of threads that ended unseen]') + $(cum "$out" '[CPU of threads never sampled]')))
long=$(($(truth child) + $(truth grandchild))) short=$(truth short)
# What nobody was sampled for is shared out among those that came and went, to a quarter more than their ticks.
# Ticks that the machine did not let us take meet nobody.
lost=$(awk '/^samples/ { t = $4; m = substr($6, 2) } END { print m / (m + t + 1) }' "$WORK/run.err")
found=$(($(cum "$out" child_work) + $(cum "$out" grandchild_work))) met=$(cum "$out" short_work)
check_number "children of 20 and 30 ms" "$found >= $long * (0.9 - $lost) && $found <= $long * 1.27"
check_number "children of 2 ms" "$met <= $short * 1.27"
check_number "all of them" "$found + $met + $unseen >= ($long + $short) * 0.9"
check_number "not seen: only those that live less than a tick" "$unseen <= $short + (0.05 + $lost) * $long"
born=$(truth born)
check_number "processes" "$(awk '$1 == "processes" { print $2; exit }' "$WORK/run.err") >= 0.5 * $born"

# Two by number: each one's CPU under its pid, and no other.
start_target shares
first=$TARGET first_out=$TARGET_OUT
start_target mix 0 10 1 20
out=$WORK/two.pb.gz
before=$(cpu_of "$first")
mkdir "$WORK/two"
profile_ok "two by number" -p "$first,$TARGET" -seconds 4 -hz 200 -o "$WORK/two/"
after=$(cpu_of "$first")
out=$WORK/two/shares.$first.cpu.pb.gz
proof pids "$out" >"$WORK/pids"
check_equal "pids" "$(printf '%s\n' "$first" "$TARGET" | sort)" "$(cut -d' ' -f1 "$WORK/pids" | grep -v None | sort)"
near "the first one's CPU" "$(awk -v p="$first" '$1 == p { print $3 }' "$WORK/pids")" $((after - before)) 0.3
check_number "threads of both" "$(proof pids "${out/cpu/threads}" | wc -l) == 2"
check_unharmed "$TARGET" "second"
check_unharmed "$first" "first"
check "the second ends well" stop_target
check "the first one's own sums hold" stop_target "$first"

# By name: all of that name and no others; the kernel cuts a name after 15 bytes.
name=cpprof-by-name-$$
cp "$TARGETS/shares" "$WORK/$name"
TARGETS=$WORK start_target "$name"
a=$TARGET
TARGETS=$WORK start_target "$name"
profile_ok "by name" -name "$name" -seconds 2 -hz 200 -profile cpu -o "$WORK/name.pb.gz"
check_equal "pids of that name" "$(printf '%s\n' "$a" "$TARGET" | sort)" \
	"$(proof pids "$WORK/name.pb.gz" | cut -d" " -f1 | grep -v None | sort)"
profile -name "no-such-$$" -seconds 1
check_equal "a name nobody has: exit" 3 "$STATUS"
check_equal "and says so" 1 "$(grep -c "no process is named" "$WORK/run.err")"
profile -p "$a,4194304" -seconds 1
check_equal "one of two is gone: exit" 3 "$STATUS"
check "ends well" stop_target "$a"
check "ends well, too" stop_target
finish
