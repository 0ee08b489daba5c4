#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# redis-server from the distribution, under load.
. "$(dirname "$0")/../lib/harness.sh"
need python3 redis-server redis-benchmark

redis-server --port 0 --unixsocket "$WORK/redis.sock" --save '' --appendonly no --dir "$WORK" \
	>"$WORK/redis.log" 2>&1 &
server=$!
started+=("$server")
for _ in $(seq 100); do
	[ -S "$WORK/redis.sock" ] && break
	sleep 0.05
done
redis-benchmark -s "$WORK/redis.sock" -q -l -c 20 -t set,get,lpush,lrange_100 >"$WORK/bench.log" 2>&1 &
started+=($!)
sleep 0.5
check_real redis $server
finish
