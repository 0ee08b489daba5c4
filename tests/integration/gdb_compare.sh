#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stopped programs: our stacks against gdb's, address by address.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gdb
gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1 || skip_all "gdb has no python"

# compare NAME PID: the process is stopped here and continued afterwards.
compare()
{
	local out=$WORK/gdb.$1.pb.gz tid ours theirs same=0 all=0

	kill -STOP "$2"
	sleep 0.2
	profile_ok "$1" -p "$2" -seconds 1 -profile threads -o "$out" || { kill -CONT "$2"; return; }
	check_equal "$1: still stopped" T "$(state_of "$2")"
	timeout 60 gdb -nx -batch -p "$2" -x "$LIB/gdb_stacks.py" 2>/dev/null | grep ^stack >"$WORK/gdb.out"
	kill -CONT "$2"
	while read -r _ tid theirs; do
		all=$((all + 1))
		ours=$(proof addresses "$out" "$tid" | head -1)
		if [ "$ours" = "$theirs" ]; then
			same=$((same + 1))
		elif [ "${ours#"$theirs"}" != "$ours" ] && [ "$(wc -w <<<"${ours#"$theirs"}")" -le 1 ]; then
			same=$((same + 1)) # gdb ends one frame earlier, at the entry point
		elif [ $((all - same)) -le 3 ]; then
			printf '    tid %s\n    gdb  %s\n    ours %s\n' "$tid" "$theirs" "$ours" | cut -c1-300
		fi
	done <"$WORK/gdb.out"
	check_number "$1: same stacks as gdb" "$all > 0 && $same >= $all * 0.97"
}

for target in chain40 "recursion 0 60" bursty "idle 0 48 2" "idle_o0 0 48 2" "idle_fp 0 48 2" inline_chain "mix 0 40 2"; do
	start_target $target
	sleep 0.3
	compare "${target%% *}" "$TARGET"
	stop_target
done

if [ -x /usr/bin/python3 ]; then
	/usr/bin/python3 -c 'while True: sorted(map(str, range(2000)))' &
	started+=($!)
	sleep 0.5
	compare python $!
fi
if command -v redis-server >/dev/null; then
	redis-server --port 0 --unixsocket "$WORK/r.sock" --save '' --dir "$WORK" >/dev/null 2>&1 &
	started+=($!)
	sleep 0.7
	compare redis $!
fi
if command -v xz >/dev/null; then
	xz -3 -c </dev/urandom >/dev/null &
	started+=($!)
	sleep 0.5
	compare xz $!
fi
finish
