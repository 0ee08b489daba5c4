#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every bad input is answered within 2 s by the right exit status and one or two plain lines.
. "$(dirname "$0")/../lib/harness.sh"

# expect WHAT STATUS WORDS COMMAND...: WORDS is a pattern that the answer must contain.
expect()
{
	local what=$1 want=$2 words=$3 before after lines status most=2

	shift 3
	# These ran: the summary follows.
	[ "$want" = 4 ] || [ "$what" = "folder full" ] && most=20
	before=$(date +%s%N)
	timeout -k 1 10 "$@" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null
	status=$?
	after=$(date +%s%N)
	lines=$(wc -l <"$WORK/run.err")
	if [ $status = "$want" ] && ((lines >= 1 && lines <= most)) && { [ ! -s "$WORK/run.out" ] || [ $most != 2 ]; } &&
		((after - before < 2000000000)) && grep -qiE -- "$words" "$WORK/run.err"; then
		pass "$what: $(head -1 "$WORK/run.err")"
	else
		fail "$what: exit $status (want $want), $lines lines (want 1-2, with /$words/)," \
			"$(((after - before) / 1000000)) ms"
		sed 's/^/    /' "$WORK/run.err" | head -4
	fi
}

o=$WORK/bad.pb.gz
run=("$CPPROF" -seconds 1 -profile cpu -o "$o")
start_target shares
pid=$TARGET

# Usage: exit 2, the option named.
expect "unknown option" 2 "nonsense" "${run[@]}" -p "$pid" -nonsense
expect "unknown kind" 2 "profile|nonsense" "$CPPROF" -p "$pid" -seconds 1 -o "$o" -profile nonsense
expect "unknown format" 2 "format|nonsense" "${run[@]}" -p "$pid" -format nonsense
expect "hz 0" 2 "hz" "${run[@]}" -p "$pid" -hz 0
expect "hz 10001" 2 "hz" "${run[@]}" -p "$pid" -hz 10001
expect "hz abc" 2 "hz" "${run[@]}" -p "$pid" -hz abc
expect "seconds -1" 2 "seconds" "${run[@]}" -p "$pid" -seconds -1
expect "seconds 5x" 2 "seconds" "${run[@]}" -p "$pid" -seconds 5x
expect "seconds 99999999999999999999" 2 "seconds" "${run[@]}" -p "$pid" -seconds 99999999999999999999
expect "option without its value" 2 "hz" "${run[@]}" -p "$pid" -hz
expect "no target" 2 "pid|-p" "${run[@]}"
expect "pid abc" 2 "abc|pid|-p" "${run[@]}" -p abc
expect "pid 0" 2 "pid|-p" "${run[@]}" -p 0
expect "pid -5" 2 "pid|-p" "${run[@]}" -p -5
expect "pid 12x" 2 "12x|pid|-p" "${run[@]}" -p 12x
expect "stray word" 2 "stray" "${run[@]}" -p "$pid" stray

# Targets that can't be attached: exit 3.
expect "no such pid" 3 "no such|no process|not exist" "${run[@]}" -p 4194300

sh -c 'sleep 0.05 & exec sleep 60' &
parent=$!
started+=("$parent")
sleep 0.4
zombie=$(cat /proc/$parent/task/$parent/children 2>/dev/null)
if [ "${zombie:-}" ] && [ "$(state_of $zombie)" = Z ]; then
	expect "zombie" 3 "zombie|exited|ended" "${run[@]}" -p $zombie
else
	skip "zombie: none made"
fi

if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
	expect "kernel thread" 3 "kernel" "${run[@]}" -p 2
else
	skip "kernel thread: none visible"
fi

expect "ourselves" 3 "itself|ourselves|own|self" \
	sh -c 'exec "$0" -p $$ -seconds 1 -profile cpu -o "$1"' "$CPPROF" "$o"

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	echo "0 0 0" >"$WORK/schedstat"
	expect "no scheduler statistics" 3 "schedstat" unshare -m sh -c \
		'mount --bind "$1" "/proc/$2/task/$2/schedstat" && shift 2 && exec "$@"' sh \
		"$WORK/schedstat" "$pid" "${run[@]}" -p "$pid"
else
	skip "no scheduler statistics: not root, or no mount namespace"
fi

if command -v strace >/dev/null; then
	strace -qq -e trace=none -o /dev/null -p "$pid" &
	tracer=$!
	started+=("$tracer")
	for _ in $(seq 100); do
		[ "$(tracer_of "$pid")" != 0 ] && break
		sleep 0.02
	done
	expect "already traced" 3 "trace" "${run[@]}" -p "$pid"
	kill -INT $tracer 2>/dev/null
	wait $tracer 2>/dev/null
else
	skip "already traced: no strace"
fi

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$WORK"
	mkdir "$WORK/nobody"
	chown 65534 "$WORK/nobody"
	cp "$CPPROF" "$WORK/cpprof-attach"
	expect "other user, no capability" 3 "the same command behind sudo" setpriv --reuid 65534 --regid 65534 \
		--clear-groups --inh-caps=-all "$WORK/cpprof-attach" -seconds 1 -profile cpu \
		-o "$WORK/nobody/x.pb.gz" -p "$pid"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$TARGETS/shares" >/dev/null &
	theirs=$!
	started+=("$theirs")
	sleep 0.3
	expect "root without CAP_SYS_PTRACE" 3 "permi|capab|user" setpriv --bounding-set=-sys_ptrace \
		--inh-caps=-sys_ptrace "$WORK/cpprof-attach" -seconds 1 -profile cpu -o "$o" -p $theirs
	profile -p $theirs -seconds 1 -profile cpu -o "$o"
	check_equal "root on another user's process" 0 "$STATUS"
	expect "CAP_SYS_PTRACE alone" 3 "CAP_DAC_READ_SEARCH" setpriv --bounding-set=-all,+sys_ptrace \
		--inh-caps=-all "${run[@]}" -p $theirs
	VIEW=(setpriv --bounding-set=-all,+sys_ptrace,+dac_read_search --inh-caps=-all)
	profile -p $theirs -seconds 1 -profile cpu -o "$o"
	check_equal "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH" 0 "$STATUS"
	check_equal "names found" 1 "$(grep -c ' share_40$' "$WORK/run.out" "$WORK/run.err" | awk -F: '{ n += $2 } END { print n }')"
	VIEW=()
	stop_target $theirs
else
	skip "other user: not root, or no setpriv"
fi

if [ -r /proc/sys/kernel/yama/ptrace_scope ]; then
	skip "yama: not changed by a test"
else
	skip "yama: not in this kernel"
fi

printf 'void _start(void) { for (;;) __asm__ volatile("pause"); }\n' >"$WORK/m32.c"
if gcc -m32 -nostdlib -static -ffreestanding -o "$WORK/m32" "$WORK/m32.c" 2>/dev/null; then
	"$WORK/m32" 2>/dev/null &
	small=$!
	started+=("$small")
	sleep 0.2
	if kill -0 $small 2>/dev/null; then
		expect "32-bit target" 3 "32" "${run[@]}" -p $small
	else
		skip "32-bit target: this kernel runs none"
	fi
else
	skip "32-bit target: gcc -m32 is missing"
fi

if unshare --pid --fork true 2>/dev/null; then
	expect "other PID namespace" 3 "namespace" unshare --pid --fork "${run[@]}" -p "$pid"
else
	skip "PID namespace: can't make one"
fi

# No samples: exit 4.
start_target idle 0 5 0
expect "nothing ran" 4 "no CPU samples" "${run[@]}" -p "$TARGET"
stop_target

# Output: exit 1, the old file untouched, nothing left beside it.
expect "no such directory" 1 "$WORK/none" "$CPPROF" -p "$pid" -seconds 0.5 -profile cpu -o "$WORK/none/x.pb.gz"
expect "no such folder" 1 "make the folder first" "$CPPROF" -p "$pid" -seconds 0.5 -o "$WORK/none/"
expect "-summary is a folder" 1 "$WORK: it is a folder; -summary is a file" "${run[@]}" -p "$pid" -summary "$WORK"
if ! "$CPPROF" -p 1 -push parca+http://127.0.0.1:1 2>&1 </dev/null | grep -q 'without libcurl'; then
	expect "-push, no such folder" 1 "make the folder first" "$CPPROF" -p "$pid" -push pyroscope+http://127.0.0.1:1 -o "$WORK/none/"
	expect "-push into a single file" 2 "give -o FOLDER/" "$CPPROF" -p "$pid" -push pyroscope+http://127.0.0.1:1 -o "$o"
fi
expect "no goroutines" 3 "profile threads shows" "$CPPROF" -q -p "$pid" -profile goroutine -o "$o"
expect "-symfs is no folder" 2 "symfs $WORK/none: No such" "$CPPROF" -replay "$WORK/x.raw" -symfs "$WORK/none"
mkdir "$WORK/dir"
ln -s "$WORK/victim" "$WORK/dir/link.pb.gz"
echo old >"$WORK/victim"
profile -p "$pid" -seconds 1 -profile cpu -o "$WORK/dir/link.pb.gz"
check_equal "output is a link: what it points to" old "$(cat "$WORK/victim")"
rm -f "$WORK/dir/link.pb.gz"

if mount -t tmpfs -o size=64k tmpfs "$WORK/dir" 2>/dev/null; then
	echo old >"$WORK/dir/x.pb.gz"
	dd if=/dev/zero of="$WORK/dir/fill" bs=4k 2>/dev/null
	expect "folder full" 1 "space|full|write" "$CPPROF" -p "$pid" -seconds 0.5 -profile cpu \
		-o "$WORK/dir/x.pb.gz"
	check_equal "folder full: the old file" old "$(cat "$WORK/dir/x.pb.gz")"
	check_equal "folder full: files in it" "fill x.pb.gz" "$(echo $(ls -A "$WORK/dir"))"
	umount "$WORK/dir"
else
	skip "folder full: can't mount a tmpfs"
fi
if [ -w /dev/full ]; then
	timeout 10 "${run[@]:0:5}" -p "$pid" -o - >/dev/full 2>"$WORK/run.err"
	check_equal "standard output full" 1 $?
fi

# A file that was written is private.
profile -p "$pid" -seconds 1 -profile cpu -o "$o"
check_equal "mode of the output" 600 "$(stat -c %a "$o")"
check_unharmed "$pid" "after all of it"
check "target's own sums hold" stop_target "$pid"

# The target's early end is no failure.
start_target shares 2
profile -p "$TARGET" -seconds 20 -profile cpu -o "$o"
check_equal "target ends early" 0 "$STATUS"
stop_target
finish
