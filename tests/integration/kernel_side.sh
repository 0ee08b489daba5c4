#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -kernel: blocked threads with the functions of the kernel that they are in, which are those that the
# kernel's own files name, and the known ones for each call; what is below them stays as it is.
. "$(dirname "$0")/../lib/harness.sh"
need python3 make gcc clang

variants blocked
cat >"$WORK/compare.py" <<'END'
"""compare.py PLAIN KERNEL FILE PID SAID: KERNEL's stacks are PLAIN's, below what FILE (stack, wchan) says."""
import re
import sys

import proof

KNOWN = {
    "nanosleep": "hrtimer_nanosleep|do_nanosleep|common_nsleep|nanosleep", "usleep": "nanosleep", "sleep": "nanosleep",
    "clock_nanosleep": "nanosleep", "epoll_wait": "ep_poll|epoll_wait", "poll": "poll", "ppoll": "poll",
    "select": "select|poll", "read": "pipe_read", "fgets": "pipe_read", "recv": "unix_stream|skb|sock", "accept": "accept|skb|unix",
    "pause": "pause", "waitpid": "do_wait|wait4", "flock": "lock", "msgrcv": "msgrcv", "sigsuspend": "sigsuspend",
    "sigwaitinfo": "sigtimedwait",
}
plain, kernel = (proof.Profile(f) for f in sys.argv[1:3])
file, pid = sys.argv[3:5]
calls = {line.split()[1]: line.split()[2] for line in open(sys.argv[5]) if line.startswith("chain ")}


def sides(sample):
    """Names of the kernel's frames, and of the others."""
    names = [], []
    for number in sample.locations:
        path = sample.profile.file_of(sample.profile.locations[number])
        names[path != "[kernel.kallsyms]"].extend(sample.profile.names(number))
    return names


def told(tid):
    text = open("/proc/%s/task/%s/%s" % (pid, tid, file)).read()
    if file == "wchan":
        return [text] if text != "0" else []
    return [re.sub(r"^\[<\w+>\] ", "", line).split("+")[0] for line in text.splitlines()]


before = {s.labels["tid"]: s.all_names() for s in plain.samples}
wrong = compared = 0
for sample in kernel.samples:
    tid = str(sample.labels["tid"])
    if tid not in calls:
        continue
    compared += 1
    ours, user = sides(sample)
    pattern = KNOWN.get(calls[tid], "futex")
    if ours != told(tid) or not any(re.search(pattern, n) for n in ours) or user != before[int(tid)] \
            or sample.all_names() != ours + user:
        wrong += 1
        print(calls[tid], pattern, ours, told(tid), user, before[int(tid)], sep="\n    ")
print("%d threads compared, %d wrong" % (compared, wrong))
sys.exit(wrong > 0 or compared < 250)
END
export PYTHONPATH=$LIB

# compare FILE: as what the profiler may read it.
compare()
{
	local file=$1

	profile_ok "without" -p "$TARGET" -seconds 1 -profile threads -o "$WORK/plain.pb.gz"
	profile_ok "with $file" -p "$TARGET" -seconds 1 -profile threads -kernel -o "$WORK/kernel.pb.gz"
	check_equal "$file: stops" 0 "$(sed -n 's/^stops *\([0-9]*\).*/\1/p' "$WORK/run.err")"
	check "$file: as the kernel says" python3 "$WORK/compare.py" "$WORK/plain.pb.gz" "$WORK/kernel.pb.gz" "$file" "$TARGET" \
		"$TARGET_OUT"
	check "$file: valid" "$CPPROF" -check "$WORK/kernel.pb.gz"
	check_go_pprof "$WORK/kernel.pb.gz"
	check_equal "$file: said once where it is all there is" "$([ "$file" = wchan ] && echo 1 || echo 0)" \
		"$(grep -c '^kernel .*only the function' "$WORK/run.err")"
	check_equal "$file: none that could not be read" 0 "$(grep -c '^kernel .*could not be read' "$WORK/run.err")"
}

# What the threads wait for is told by names on the user side.
kinds()
{
	python3 -c 'import proof, sys
print(*sorted({s.labels.get("kind") for s in proof.Profile(sys.argv[1]).samples}))' "$WORK/$1"/*.block.pb.gz
}

start_command "$VARIANTS/blocked_gcc-O2"
if [ "$(id -u)" = 0 ] && head -1 /proc/self/stack >/dev/null 2>&1; then
	compare stack
	mkdir "$WORK/with" "$WORK/without"
	profile_ok "at each tick" -p "$TARGET" -seconds 1 -profile wall,block -kernel -o "$WORK/with/"
	profile_ok "without, at each tick" -p "$TARGET" -seconds 1 -profile wall,block -o "$WORK/without/"
	for kind in wall block; do
		check_number "$kind: kernel functions" "$(proof cum "$WORK"/with/*."$kind".pb.gz entry_SYSCALL_64_after_hwframe) >= 0.99"
	done
	check_equal "block: the same kinds of locks" "$(kinds without)" "$(kinds with)"
	# Without that right.
	if command -v setpriv >/dev/null; then
		VIEW=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
		compare wchan
		VIEW=()
	fi
else
	compare wchan
fi
check_refused "-profile cpu -kernel" "-profile threads -kernel -save-raw $WORK/x.raw"
profile -replay "$WORK/none.raw" -kernel
check_equal "-replay: exit" 2 "$STATUS"
check "the target's exit" stop_target
finish
