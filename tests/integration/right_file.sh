#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The file that the target runs, and no other: deleted, replaced, in its own mount namespace or root, on
# an overlay, in no file system at all. Each build has function names of its own.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gcc objcopy
source=$(cd "$(dirname "$0")/../targets" && pwd)/twins.c
out=$WORK/twins.pb.gz
as_root=$([ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && echo yes)

build() # NAME FILE FLAG...
{
	local name=$1 file=$2

	shift 2
	mkdir -p "$(dirname "$file")"
	gcc -O2 -DNAME="$name" -o "$file" "$source" "$@" >"$WORK/build.out" 2>&1 && return
	fail "build $name: $(head -3 "$WORK/build.out")"
	finish
}

# right WHAT NAME [UNWANTED]: the samples are in this build's function, and whole
right()
{
	profile_some "$1" -v -p "$TARGET" -seconds 0.4 -hz 200 -profile cpu -o "$out"
	stop_target
	check_number "$1: share" "$(proof share "$out" "work_$2") >= 0.9"
	check_number "$1: complete" "$(proof complete "$out") >= 0.9"
	[ -z "${3:-}" ] || check_equal "$1: none of the other build" 0 "$(proof stacks "$out" | grep -c "work_$3")"
}

build old "$WORK/a/app"
build new "$WORK/new"

cp "$WORK/a/app" "$WORK/a/gone"
start_command "$WORK/a/gone"
rm "$WORK/a/gone"
right "deleted" old
check "deleted: said" grep -q 'gone: deleted file, symbols symtab' "$WORK/run.err"

cp "$WORK/a/app" "$WORK/a/changed"
start_command "$WORK/a/changed"
mv "$WORK/new" "$WORK/a/changed"
right "replaced by another build" old new

start_command python3 -c 'import os, sys
fd = os.memfd_create("program", os.MFD_CLOEXEC)
os.write(fd, open(sys.argv[1], "rb").read())
os.execve(fd, ["program"], {})' "$WORK/a/app"
right "in a memfd" old

build gone "$WORK/a/leader" -DMAIN_ENDS
start_command "$WORK/a/leader"
right "the main thread has ended" gone

if [ "$as_root" ]; then
	build inside "$WORK/inside"
	build outside "$WORK/mount/app"
	start_command unshare -m sh -c 'mount -t tmpfs none "$1/mount" && cp "$1/inside" "$1/mount/app" && exec "$1/mount/app"' sh "$WORK"
	right "another build at its path in our mount namespace" inside outside

	build chroot "$WORK/root/$WORK/mount/app" -static
	start_command chroot "$WORK/root" "$WORK/mount/app"
	right "in a chroot, another build at its path in ours" chroot outside

	mkdir "$WORK/lower" "$WORK/over"
	build lower "$WORK/lower/app"
	build upper "$WORK/upper"
	start_command unshare -m sh -c 'mount -t tmpfs none "$1/over" && mkdir "$1/over/u" "$1/over/w" "$1/over/m" &&
		mount -t overlay none -o lowerdir="$1/lower",upperdir="$1/over/u",workdir="$1/over/w" "$1/over/m" || exec sleep 9
		"$1/over/m/app" & sleep 0.2; cp "$1/upper" "$1/over/m/new" && mv "$1/over/m/new" "$1/over/m/app"; wait' sh "$WORK"
	shell=$TARGET
	TARGET=$(awk '$1 == "ready" { print $2 }' "$TARGET_OUT")
	right "replaced on an overlay" lower upper
	wait "$shell"
else
	skip "mount namespaces: not allowed"
fi

# --- out of memory ---
# Without rights over other users' processes, a library that is gone can be opened by no name.
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || { skip "an unprivileged run: not root"; finish; }
[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" = 0 ] || { skip "an unprivileged run: ptrace_scope"; finish; }
chmod 755 "$WORK"
mkdir -m 777 "$WORK/out"
cp "$CPPROF" "$WORK/cpprof"
CPPROF=$WORK/cpprof
unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
for hash in gnu sysv; do
	build $hash "$WORK/lib/libtwin.so" -shared -fPIC -DNO_MAIN -Wl,--hash-style=$hash -Wl,-soname,libtwin.so
	# Or the headers of its sections would lie in the last page that is mapped.
	objcopy --add-section .room=<(head -c 65536 /dev/zero) "$WORK/lib/libtwin.so"
	build caller "$WORK/a/caller" -DFROM_LIBRARY=$hash "$WORK/lib/libtwin.so" -Wl,-rpath,"$WORK/lib"
	start_command "${unprivileged[@]}" "$WORK/a/caller"
	rm "$WORK/lib/libtwin.so"
	out=$WORK/out/$hash.pb.gz
	VIEW=("${unprivileged[@]}")
	right "a library from memory, $hash hash" $hash
	check "$hash hash: said" grep -q 'libtwin.so: read from memory, symbols dynsym.* unwinding eh_frame' "$WORK/run.err"
	VIEW=()
done
finish
