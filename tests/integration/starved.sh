#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# More work than CPUs: two busy programs for each CPU beside the target. Its profile stays right, and
# it gets as much of the CPUs as those that nobody profiles.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6}
cpus=$(nproc)
out=$WORK/starved.pb.gz

hogs=()
for ((i = 0; i < 2 * cpus; i++)); do
	start_target shares
	hogs+=("$TARGET")
done
start_target shares
hogs_before=0 hogs_after=0
for hog in "${hogs[@]}"; do hogs_before=$((hogs_before + $(cpu_of "$hog"))); done
before=$(cpu_of "$TARGET")
profile_ok "starved" -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$out"
after=$(cpu_of "$TARGET")
for hog in "${hogs[@]}"; do hogs_after=$((hogs_after + $(cpu_of "$hog"))); done
for share in 40 25 20 10 05; do
	check "share_$share" proof within4 "$out" share_$share "0.$share"
done
check_balance "starved" "$out"
check_number "samples" "$(proof samples "$out") >= 0.5 * 200 * ($after - $before) / 1e9"
# Where a CPU has one program more than another, each of them gets less: with three and two on two CPUs
# 0.8 of what the others have on average.
check_number "its share of the CPUs" "$after - $before >= 0.7 * ($hogs_after - $hogs_before) / ${#hogs[@]}"
check_unharmed "$TARGET" "starved" && pass "unharmed"
check "target ends well" stop_target
finish
