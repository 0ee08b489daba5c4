#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -debuginfod: debug information from a server, asked for only when told to, within its deadline; a server
# that does not answer, none at all, another build's file, and Ctrl-C.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gcc objcopy strip debuginfod-find
source=$(cd "$(dirname "$0")/../targets" && pwd)/twins.c
out=$WORK/twins.pb.gz
export DEBUGINFOD_CACHE_PATH=$WORK/cache HOME=$WORK
unset DEBUGINFOD_URLS

for name in served other; do
	gcc -O2 -g -Wl,--build-id -DNAME=$name -o "$WORK/$name" "$source" &&
		objcopy --only-keep-debug "$WORK/$name" "$WORK/$name.debug" && strip "$WORK/$name" || { fail "build"; finish; }
done
id=$(readelf -n "$WORK/served" | awk '/Build ID/ { print $3 }')
wrong=$(readelf -n "$WORK/other" | awk '/Build ID/ { print $3 }')
mkdir -p "$WORK/www/buildid/$id" "$WORK/www/buildid/$wrong"
cp "$WORK/served.debug" "$WORK/www/buildid/$id/debuginfo"
cp "$WORK/served.debug" "$WORK/www/buildid/$wrong/debuginfo"

# One server answers; the other one takes requests and says nothing.
python3 - "$WORK/www" >"$WORK/ports" 2>"$WORK/requests" <<'END' &
import functools, http.server, socket, sys, threading
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
silent = socket.create_server(("127.0.0.1", 0))
print(server.server_port, silent.getsockname()[1], flush=True)
threading.Thread(target=server.serve_forever).start()
END
started+=($!)
for ((i = 0; i < 250; i++)); do [ -s "$WORK/ports" ] && break; sleep 0.02; done
read -r port silent <"$WORK/ports"

shown() { proof stacks "$out" | grep -c "inlined_$1;work_$1"; }

start_command "$WORK/served"
arguments=(-v -p "$TARGET" -seconds 0.4 -hz 200 -profile cpu -o "$out")
export DEBUGINFOD_URLS=http://127.0.0.1:$port
profile_some "not asked for" "${arguments[@]}"
check_equal "not asked for: requests" 0 "$(grep -c GET "$WORK/requests")"
check_equal "not asked for: inlined functions" 0 "$(shown served)"
profile_some "asked for" -debuginfod "${arguments[@]}"
check_number "asked for: inlined functions" "$(shown served) > 0"
check "asked for: said" grep -q "served: .* debug information of debuginfod, $WORK/cache/$id" "$WORK/run.err"

export DEBUGINFOD_URLS=
profile_some "no server" -debuginfod "${arguments[@]}"
check "no server: said" grep -q 'no server is set; give DEBUGINFOD_URLS' "$WORK/run.err"

export DEBUGINFOD_URLS=http://127.0.0.1:$port
VIEW=(env PATH=/nonexistent)
profile_some "no program" -debuginfod "${arguments[@]}"
VIEW=()
check "no program: said" grep -q 'there is no debuginfod-find; install the package debuginfod' "$WORK/run.err"

# Ctrl-C ends the waiting, and the profile is written.
export DEBUGINFOD_URLS=http://127.0.0.1:$silent DEBUGINFOD_TIMEOUT=90
rm -rf "$WORK/cache" "$out"
"$CPPROF" -debuginfod "${arguments[@]}" >"$WORK/run.out" 2>"$WORK/interrupted.err" &
pid=$!
started+=("$pid")
for ((i = 0; i < 500; i++)); do grep -q 'debuginfod: asking' "$WORK/interrupted.err" && break; sleep 0.02; done
kill -INT "$pid"
wait "$pid"
check_equal "Ctrl-C: exit" 0 $?
check_number "Ctrl-C: samples" "$(proof samples "$out") > 0"
stop_target

start_command "$WORK/other"
export DEBUGINFOD_URLS=http://127.0.0.1:$port
profile_some "another build's file" -debuginfod -v -p "$TARGET" -seconds 0.4 -hz 200 -profile cpu -o "$out"
stop_target
check_equal "another build's file: its functions" 0 "$(shown served)"
check "another build's file: said" grep -q 'other: .*none (that of another build is there)' "$WORK/run.err"

finish
