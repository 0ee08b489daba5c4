#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target whose control group may use half a CPU: while it is held back nothing waits for it to stop,
# and its CPU time and shares are right.
. "$(dirname "$0")/../lib/harness.sh"
need python3

# A group of our own, version 1 or 2; sets GROUP.
make_group()
{
	GROUP=/sys/fs/cgroup/cpu/cpprof-test.$$
	if mkdir "$GROUP" 2>/dev/null; then
		echo 50000 >"$GROUP/cpu.cfs_quota_us" && echo 100000 >"$GROUP/cpu.cfs_period_us"
		return
	fi
	GROUP=/sys/fs/cgroup/cpprof-test.$$
	mkdir "$GROUP" 2>/dev/null || return 1
	[ -f "$GROUP/cpu.max" ] && echo "50000 100000" >"$GROUP/cpu.max" && return
	rmdir "$GROUP"
	return 1
}

make_group 2>/dev/null || skip_all "no control group with a CPU quota can be made here"
start_target shares
echo "$TARGET" >"$GROUP/cgroup.procs"
sleep 0.3
seconds=${SECONDS_EACH:-4}
cpu0=$(cpu_of "$TARGET")
profile_ok "half a CPU" -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$WORK/q.pb.gz"
cpu1=$(cpu_of "$TARGET")
sum=$(proof sum "$WORK/q.pb.gz" cpu)
check_number "its CPU time" "$sum > 0 && $sum <= $cpu1 - $cpu0"
check_number "is limited" "$sum <= 0.6 * $(proof duration "$WORK/q.pb.gz")"
for share in 40 25 20 10 05; do
	check "share_$share" proof within4 "$WORK/q.pb.gz" share_$share "0.$share"
done
# It is runnable all the time, and on a CPU half of it: a tick finds the one or the other.
turns=$(sed -nE 's/.* ([0-9]+) not their turn$/\1/p' "$WORK/run.err")
slept=$(sed -nE 's/.* ([0-9]+) went to sleep or ended.*/\1/p' "$WORK/run.err")
samples=$(proof samples "$WORK/q.pb.gz")
check_number "ticks while it was held back" "${turns:-0} >= 0.25 * ($samples + ${turns:-0})"
check_number "stops that did not come" "${slept:-9999} <= 0.02 * $samples + 4"
check_unharmed "$TARGET" "afterwards" && pass "unharmed"
stop_target
rmdir "$GROUP"
finish
