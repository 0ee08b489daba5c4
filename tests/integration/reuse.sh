#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Numbers that are used again, in a pid namespace of our own. The target ends and another process
# gets its pid: nothing of it is in the profile. Threads end and others get their tid: each kind has
# its own CPU time under its own name.
if [ "${1:-}" != inside ]; then
	unshare -pf --mount-proc true 2>/dev/null || { echo "SKIP: no pid namespaces here"; exit 77; }
	exec unshare -pf --mount-proc bash "$0" inside
fi
. "$(dirname "$0")/../lib/harness.sh"
need python3
[ -w /proc/sys/kernel/ns_last_pid ] || skip_all "the next pid cannot be chosen here"

for ((round = 0; round < ${ROUNDS:-3}; round++)); do
	start_target pid_reuse $((600 + 130 * round)) 1000
	out=$WORK/pid.pb.gz
	profile_ok "pid $round" -p "$(awk '/^ready/ { print $2 }' "$TARGET_OUT")" -seconds 10 -hz 500 -max-stop 100 -profile cpu -o "$out"
	end_of_target "pid $round" 0
	check_equal "pid $round: the other one has it" 1 "$(truth same_pid)"
	check_equal "pid $round: not in the profile" 0.000000 "$(proof cum "$out" new_process)"
	check_number "pid $round: the CPU of the first" \
		"$(proof sum "$out" cpu) > 0.5 * $(truth old_cpu) && $(proof sum "$out" cpu) <= $(truth old_cpu)"
	check_balance "pid $round" "$out"
done

start_target tid_reuse 0 40
out=$WORK/tid.pb.gz
profile_ok "tids" -p "$TARGET" -seconds "${SECONDS_EACH:-4}" -hz 1000 -max-stop 100 -profile cpu -o "$out"
stop_target
check_number "tids: rounds" "$(truth rounds) >= 10"
check_number "tids: threads with another one" "$(truth other_ids) <= 0.7 * $(truth rounds)"
for kind in first second; do
	check_number "tids: $kind runs its own code" "$(proof share "$out" ${kind}_kind $kind) >= 0.98"
done
check_equal "tids: nothing of the first in the second" "0.000000 0.000000" \
	"$(proof share "$out" first_kind second) $(proof share "$out" second_kind first)"
check_balance "tids" "$out" 0.03

# Numbers that begin anew among the threads of one process: a later thread has a smaller one.
echo $(($(cat /proc/sys/kernel/pid_max) - 20)) >/proc/sys/kernel/ns_last_pid
start_target idle 0 60 2
tids=$(ls /proc/"$TARGET"/task | sort -n)
profile_ok "wrap" -p "$TARGET" -seconds 2 -hz 200 -o "$WORK/"
check_number "wrap: numbers began anew" "$(head -1 <<<"$tids") < $TARGET"
check_equal "wrap: each thread once" "$(echo $tids)" "$(echo $(proof threads "$WORK/idle.$TARGET.threads.pb.gz" |
	awk '{ for (i = 0; i < $3; i++) print $1 }' | sort -n))"
check_balance "wrap" "$WORK/idle.$TARGET.cpu.pb.gz"
stop_target
finish
