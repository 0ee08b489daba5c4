#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With the debug package of libc its own frames have files, lines and inlined functions: the same as
# gdb shows for the same stopped threads.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gdb redis-server readelf
gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1 || skip_all "gdb has no python"

redis-server --port 0 --unixsocket "$WORK/r.sock" --save '' --dir "$WORK" >/dev/null 2>&1 &
server=$!
started+=("$server")
sleep 0.7
libc=$(awk '/\/libc\.so/ { print $6; exit }' /proc/$server/maps)
id=$(readelf -n "$libc" | awk '/Build ID/ { print $3 }')
[ -f "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" ] || skip_all "libc6-dbg is not installed"

kill -STOP $server
sleep 0.2
out=$WORK/libc.pb.gz
profile_ok "redis, stopped" -p $server -seconds 1 -profile threads -o "$out" || finish
timeout 60 gdb -nx -batch -p $server -x "$LIB/gdb_lines.py" 2>/dev/null | grep ^lines >"$WORK/gdb.out"
kill -CONT $server
check_number "threads with frames in libc" "$(awk 'NF > 3' "$WORK/gdb.out" | wc -l) >= 4"
while read -r _ tid lines; do
	check_equal "lines of thread $tid" "$lines" "$(proof lines "$out" "$tid" libc.so)"
done <"$WORK/gdb.out"
finish
