#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without root, with capabilities one by one, in containers and into them: it works, or names the
# one thing that is missing.
. "$(dirname "$0")/../lib/harness.sh"
need python3 setpriv unshare
[ "$(id -u)" = 0 ] || skip_all "needs root, to become others"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
chmod 755 "$WORK"
mkdir -m 777 "$WORK/out"
cp "$TARGETS/shares" "$TARGETS/family" "$TARGETS/idle" "$WORK/"
cp "$CPPROF" "$WORK/cpprof-attach"
CPPROF=$WORK/cpprof-attach
TARGETS=$WORK

# start_as COMMAND... -- NAME ARG...: a target under that command; TARGET is its pid as we see it
start_as()
{
	local as=()

	while [ "$1" != -- ]; do
		as+=("$1")
		shift
	done
	shift
	TARGET_OUT=$WORK/as.$((targets_started++)).out
	"${as[@]}" "$WORK/$1" "${@:2}" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	wait_ready
	# The command may have forked: the one whose program it is.
	TARGET=$(for p in $(pgrep -f "^$WORK/$1"); do
		[ "$(readlink "/proc/$p/exe")" = "$WORK/$1" ] && echo "$p"
	done | sort -n | tail -1)
}

end_it() { kill -TERM "$TARGET" 2>/dev/null; }

has_names() # FILE WHAT
{
	# Beside other tests a window may have a dozen samples: no share is asked for.
	check_number "$2: names" "$(proof cum "$1" share_40 2>/dev/null || echo 0) > 0"
	check "$2: sane" proof sane "$1"
}

# The same user: everything, as far as its own processes go.
start_as "${nobody[@]}" -- shares
VIEW=("${nobody[@]}")
profile_ok "same user" -p "$TARGET" -seconds 2 -hz 200 -o "$WORK/out/"
has_names "$WORK/out/shares.$TARGET.cpu.pb.gz" "same user"
check_equal "same user: owner of the file" 65534 "$(stat -c %u "$WORK/out/shares.$TARGET.cpu.pb.gz")"
check_complete "$WORK/out/shares.$TARGET.threads.pb.gz" 1
end_it
profile_ok "same user: a command" -hz 200 -o "$WORK/out/cmd.pb.gz" -- "$WORK/shares" 2
has_names "$WORK/out/cmd.pb.gz" "same user: a command"
start_as "${nobody[@]}" -- idle 5
profile_ok "same user: blocked threads" -p "$TARGET" -profile threads -o "$WORK/out/idle.pb.gz"
check_complete "$WORK/out/idle.pb.gz" 0.99
end_it

# A descendant that is set-user-ID is left out, and said; the others are there.
cp "$WORK/shares" "$WORK/suid"
chmod 4755 "$WORK/suid"
profile_ok "a set-user-ID child" -children -hz 200 -o "$WORK/out/suid.pb.gz" -- \
	sh -c "'$WORK/suid' 2 & '$WORK/shares' 2; wait"
check "it is said" grep -q "1 left out" "$WORK/run.err"
check_equal "and why" 1 "$(grep -c "protects itself (set-user-ID" "$WORK/run.err")"
has_names "$WORK/out/suid.pb.gz" "its sibling"

# Capabilities alone.
start_target shares
VIEW=("${nobody[@]}")
profile -p "$TARGET" -seconds 1 -o "$WORK/out/x.pb.gz"
check_equal "another user's process: exit" 3 "$STATUS"
check "the cause" grep -q "belongs to root" "$WORK/run.err"
VIEW=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +sys_ptrace --ambient-caps +sys_ptrace)
profile -p "$TARGET" -seconds 1 -o "$WORK/out/x.pb.gz"
check_equal "CAP_SYS_PTRACE alone: exit" 3 "$STATUS"
check "the cause" grep -q "CAP_DAC_READ_SEARCH" "$WORK/run.err"
VIEW=(setpriv --reuid 65534 --regid 65534 --clear-groups
	--inh-caps +sys_ptrace,+dac_read_search --ambient-caps +sys_ptrace,+dac_read_search)
profile_ok "and CAP_DAC_READ_SEARCH" -p "$TARGET" -seconds 2 -hz 200 -profile cpu -o "$WORK/out/caps.pb.gz"
has_names "$WORK/out/caps.pb.gz" "and CAP_DAC_READ_SEARCH"
check_unharmed "$TARGET" "afterwards"
check "ends well" stop_target

# Into a container: another mount and PID namespace, with a path that is not ours.
if unshare -m -p -f --mount-proc true 2>/dev/null; then
	VIEW=()
	mkdir "$WORK/inside"
	start_as unshare -m -p -f --mount-proc --propagation private sh -c \
		"mount -t tmpfs none '$WORK/inside' && cp '$WORK/shares' '$WORK/inside/' &&
		'$WORK/inside/shares'; :" -- shares
	TARGET=$(pgrep -f "^$WORK/inside/shares$" | tail -1)
	check_equal "the path is none of ours" "" "$(ls "$WORK/inside")"
	profile_ok "into a container" -p "$TARGET" -seconds 2 -hz 200 -o "$WORK/out/"
	has_names "$WORK/out/shares.$TARGET.cpu.pb.gz" "into a container"
	check_complete "$WORK/out/shares.$TARGET.threads.pb.gz" 1
	kill -TERM "$TARGET"

	# All of us inside one, with the capability and without.
	inside() { unshare -m -p -f --mount-proc "$@"; }
	inside sh -c "'$WORK/family' 5 >'$WORK/fam.out' & f=\$!
		(sleep 1.5; kill -USR1 \$f) &
		'$CPPROF' -p \$f -children -hz 200 -profile cpu -o '$WORK/out/fam.pb.gz' -seconds 60 >/dev/null 2>'$WORK/fam.err'
		echo \$? >'$WORK/fam.status'; wait"
	sed -n '/^cpprof/p; /^samples/,/^stops/p' "$WORK/fam.err" | sed 's/^/    /'
	grep -E '^truth (born|tree_cpu)' "$WORK/fam.out" | sed 's/^/    /'
	check_equal "inside a container: exit" 0 "$(cat "$WORK/fam.status")"
	check_number "inside a container: descendants" \
		"$(awk '$1 == "processes" { print $2; exit }' "$WORK/fam.err") >= 10"
	inside "$CPPROF" -q -hz 200 -o "$WORK/out/in.pb.gz" -- "$WORK/shares" 1 >/dev/null
	check_equal "inside a container: a command" 0 $?
	has_names "$WORK/out/in.pb.gz" "inside a container"
	inside setpriv --bounding-set=-sys_ptrace "$CPPROF" -name sh -seconds 1 2>"$WORK/run.err"
	check_number "without the capability: exit" "$? == 3"
else
	skip "containers: no namespaces here"
fi
if "${nobody[@]}" unshare -U -r -p -f --mount-proc true 2>/dev/null; then
	"${nobody[@]}" unshare -U -r -p -f --mount-proc "$CPPROF" -q -hz 200 -o "$WORK/out/userns.pb.gz" -- \
		"$WORK/shares" 1 >/dev/null
	check_equal "root of a user namespace: a command" 0 $?
	has_names "$WORK/out/userns.pb.gz" "root of a user namespace"
else
	skip "user namespaces: forbidden here"
fi

# Yama's word, as the kernel would show it, where a process of ours cannot be attached to.
start_as "${nobody[@]}" -- shares
for scope in 1 2 3; do
	# Any refusal will do to ask for its cause: the file that tells is not there.
	VIEW=(unshare -m sh -c "mount -t tmpfs none /proc/sys/kernel && mkdir /proc/sys/kernel/yama &&
		echo $scope >/proc/sys/kernel/yama/ptrace_scope && chmod -R a+rX /proc/sys/kernel &&
		touch '$WORK/closed' && chmod 000 '$WORK/closed' &&
		mount --bind '$WORK/closed' /proc/$TARGET/syscall && exec ${nobody[*]} \"\$@\"" sh)
	profile -p "$TARGET" -seconds 1 -o "$WORK/out/x.pb.gz"
	check_equal "yama $scope: exit" 3 "$STATUS"
	case $scope in
	3) check "yama 3: only a reboot" grep -q "only a reboot" "$WORK/run.err" ;;
	*) check "yama $scope: the remedy" grep -q "sysctl kernel.yama.ptrace_scope=0" "$WORK/run.err" ;;
	esac
done
VIEW=()
end_it
finish
