#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's PostgreSQL under a read-only pgbench: the busiest backend alone, then the server with all
# that it forks, backends of clients that come during the window included.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/heap.sh"
need python3 pgbench setpriv
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -x "$bin/initdb" ] || skip_all "no initdb"

as=()
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || skip_all "no user postgres"
	as=(setpriv --reuid postgres --regid postgres --init-groups env HOME="$WORK/pg")
fi
chmod 755 "$WORK"
mkdir "$WORK/pg"
[ "$(id -u)" = 0 ] && chown postgres "$WORK/pg"
cd "$WORK/pg" || exit 1
${as[@]+"${as[@]}"} "$bin/initdb" -A trust -N -D "$WORK/pg/data" >"$WORK/initdb.log" 2>&1 ||
	skip_all "initdb: $(tail -1 "$WORK/initdb.log")"
${as[@]+"${as[@]}"} "$bin/postgres" -D "$WORK/pg/data" -k "$WORK/pg" -c listen_addresses= \
	-c fsync=off >"$WORK/pg.log" 2>&1 &
server=$!
started+=("$server")
for _ in $(seq 200); do
	[ -S "$WORK/pg/.s.PGSQL.5432" ] && "$bin/pg_isready" -q -h "$WORK/pg" && break
	sleep 0.05
done
client=(${as[@]+"${as[@]}"} "$bin/pgbench" -h "$WORK/pg")
"${client[@]}" -i -q -s 2 postgres >"$WORK/init.log" 2>&1 || skip_all "pgbench -i: $(tail -1 "$WORK/init.log")"
"${client[@]}" -S -n -c 2 -T 60 postgres >"$WORK/bench.log" 2>&1 &
load=$!
started+=("$load")
sleep 1
busiest=$(for p in $(cat /proc/$server/task/$server/children); do
	echo "$(cpu_of "$p") $p"
done | sort -n | tail -1 | cut -d' ' -f2)
check_real postgres "$busiest"
kill -TERM $load 2>/dev/null
wait $load 2>/dev/null
( sleep 1; exec "${client[@]}" -S -n -C -c 3 -T 4 postgres >"$WORK/bench.log" 2>&1 ) &
load=$!
started+=("$load")
profile_ok "server and all it forks" -p $server -children -seconds 6 -hz 200 -o "$WORK/pg.pb.gz" -profile cpu
wait $load
sed -n '/^samples/,/^stops/p' "$WORK/run.err" | sed 's/^/    /'
check "server and all it forks: profile is sane" proof sane "$WORK/pg.pb.gz"
# Each transaction has a connection, a backend, of its own here.
done=$(awk '/transactions actually processed/ { print $6 + 0 }' "$WORK/bench.log")
seen=$(awk '$1 == "processes" { print $2; exit }' "$WORK/run.err")
check_number "backends seen of $done" "${seen:-0} >= 0.3 * ${done:-1000000}"
check_number "backends sampled" "$(proof pids "$WORK/pg.pb.gz" | wc -l) >= 10"
check_number "their work is there" "$(proof cum "$WORK/pg.pb.gz" PostgresMain) > 0.05"
check_unharmed $server "afterwards" && pass "postgres: the server is unharmed"

# What one backend allocates for rows that it keeps in memory, beside its own account of its contexts. It takes
# blocks of 8 KiB, 16, 32 and so on: nearly each is sampled.
mkfifo "$WORK/sql"
${as[@]+"${as[@]}"} "$bin/psql" -h "$WORK/pg" -X -q -A -t -d postgres <"$WORK/sql" >"$WORK/psql.out" 2>&1 &
started+=($!)
exec 7>"$WORK/sql"
said() { sed -n "s/^$1 //p" "$WORK/psql.out"; }
ask() # WORD EXPRESSION: its value
{
	echo "SELECT '$1 ' || $2;" >&7
	wait_for grep -q "^$1 " "$WORK/psql.out"
	said "$1"
}
contexts="(SELECT sum(total_bytes) FROM pg_backend_memory_contexts)"
backend=$(ask backend "pg_backend_pid()")
ask warm "$contexts" >/dev/null
heap_begin "$backend" contexts 4096
before=$(ask before "$contexts")
echo "SET work_mem = '1GB'; BEGIN; DECLARE c CURSOR WITH HOLD FOR
	SELECT repeat(g::text, 60) FROM generate_series(1, 40000) g; COMMIT;" >&7
after=$(ask after "$contexts")
heap_end contexts
within contexts inuse_space "$after - $before" "$after - $before + 100000"
exec 7>&-
kill -INT $server 2>/dev/null	# fast shutdown: the backends end before the directory goes
for _ in $(seq 200); do
	kill -0 $server 2>/dev/null || break
	sleep 0.05
done
cd /
finish
