#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stopped programs: our stacks against gdb's, address by address. LONG=1: of more programs.
. "$(dirname "$0")/../lib/harness.sh"
LONG=${LONG:-}
need python3 gdb
gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1 || skip_all "gdb has no python"

# same_stacks PID FILE: adds the stacks that gdb has of the stopped process, and those that ours in
# FILE are equal to. LEAF_SIDE: or that are the beginning of gdb's.
same_stacks()
{
	local tid ours theirs
	local -A of=()

	while read -r tid ours; do
		of[$tid]=$ours
	done < <(proof addresses "$2")
	timeout 60 gdb -nx -batch -p "$1" -x "$LIB/gdb_stacks.py" 2>/dev/null | grep ^stack >"$WORK/gdb.out"
	while read -r _ tid theirs; do
		all=$((all + 1))
		ours=${of[$tid]:-none}
		# gdb ends one frame earlier at entry points.
		if [ "$ours" = "$theirs" ] || [[ $ours = "$theirs "* && ${ours#"$theirs "} != *" "* ]] ||
			{ [ "${LEAF_SIDE:-}" ] && [[ "$theirs " = "${ours% 0} "* ]]; }; then
			same=$((same + 1))
		elif [ $((all - same)) -le 3 ]; then
			printf '    tid %s\n    gdb  %s\n    ours %s\n' "$tid" "$theirs" "$ours" | cut -c1-600
		fi
	done <"$WORK/gdb.out"
}

# compare NAME PID [ROUNDS]: at that many moments the process is stopped, looked at by both, and
# continued.
compare()
{
	local out=$WORK/gdb.$1.pb.gz same=0 all=0 round

	for ((round = 0; round < ${3:-2}; round++)); do
		kill -STOP "$2"
		wait_stopped "$2"
		profile -p "$2" -seconds 1 -profile threads -o "$out"
		[ "$STATUS" = 0 ] || fail "$1: exit $STATUS: $(head -2 "$WORK/run.err")"
		[ "$(state_of "$2")" = T ] || fail "$1: not stopped any more"
		same_stacks "$2" "$out"
		kill -CONT "$2"
		sleep 0.03
	done
	check_number "$1: same stacks as gdb" "$all >= $round && $same == $all"
	compared=$((compared + all))
}

# Until all its threads are.
wait_stopped()
{
	local i

	for ((i = 0; i < 200; i++)); do
		grep -hs '^State:' /proc/"$1"/task/*/status | grep -qv T || return
		sleep 0.01
	done
}

start() # NAME COMMAND...: PROGRAM is its number
{
	local name=$1

	shift
	"$@" >"$WORK/$name.out" 2>&1 </dev/null &
	PROGRAM=$!
	started+=($PROGRAM)
}

compared=0
targets=(chain40 "recursion 0 60" "idle 0 48 2" "idle_fp 0 48 2" "mix 0 40 2" handler handler_static)
[ -z "${LONG:-}" ] || targets+=(bursty "idle_o0 0 48 2" inline_chain)
for target in "${targets[@]}"; do
	start_target $target
	sleep 0.1
	[[ $target != idle* ]] || rounds=1
	compare "${target%% *}" "$TARGET" ${rounds:-}
	unset rounds
	stop_target
done

# Other languages and other kinds of programs. On Go's system stacks gdb follows the CFI to callers
# that are none.
variants matrix
programs=(c-gcc-O3 c-gcc-static-pie c-clang-lld c++-gcc-O2 rust-rustc-O2 ada-gnat-O2 ocaml-ocamlopt-O2 go-go-O2)
[ -z "${LONG:-}" ] || programs+=(c-gcc-static c-gcc-stripped c-gcc-cet c++-clang-static rust-rustc-static
	fortran-gfortran-O2 d-ldc-O2)
for program in "${programs[@]}"; do
	start "$program" "$VARIANTS/$program" 100
	TARGET=$PROGRAM TARGET_OUT=$WORK/$program.out wait_ready
	LEAF_SIDE=$([[ $program != go-* ]] || echo 1) compare "$program" $PROGRAM 1
	kill -KILL $PROGRAM
	wait $PROGRAM 2>/dev/null
done

if [ -x /usr/bin/python3 ]; then
	start python /usr/bin/python3 -c 'while True: sorted(map(str, range(2000)))'
	sleep 0.3
	compare python $PROGRAM $((LONG + 1))
fi
if command -v perl >/dev/null; then
	start perl perl -e 'while (1) { @a = sort { ($a =~ /(\d+)/)[0] <=> ($b =~ /(\d+)/)[0] } map { "x$_" } 1 .. 500 }'
	sleep 0.2
	compare perl $PROGRAM $((LONG + 1))
fi
if command -v redis-server >/dev/null; then
	start redis redis-server --port 0 --unixsocket "$WORK/r.sock" --save '' --dir "$WORK"
	sleep 0.5
	compare redis $PROGRAM 1
fi
if command -v nginx >/dev/null; then
	printf 'daemon off; pid %s/nginx.pid; error_log %s/error.log; events {} http { access_log off; server { listen unix:%s/n.sock; } }\n' \
		"$WORK" "$WORK" "$WORK" >"$WORK/nginx.conf"
	start nginx nginx -c "$WORK/nginx.conf"
	sleep 0.5
	compare nginx $PROGRAM 1
	compare nginx-worker "$(cut -d' ' -f1 /proc/$PROGRAM/task/$PROGRAM/children)" 1
	kill -QUIT $PROGRAM
fi
if command -v xz >/dev/null; then
	start xz sh -c 'exec xz -3 -c </dev/urandom >/dev/null'
	sleep 0.3
	compare xz $PROGRAM 1
fi
# Its threads; what it makes of JavaScript has no unwind information.
if command -v node >/dev/null; then
	start node node -e 'setTimeout(() => {}, 1e9)'
	sleep 0.7
	compare node $PROGRAM 1
fi
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
if [ -x "$bin/initdb" ] && [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1; then
	mkdir "$WORK/pg"
	chown postgres "$WORK/pg"
	chmod 755 "$WORK"
	as=(setpriv --reuid postgres --regid postgres --init-groups env "HOME=$WORK/pg")
	"${as[@]}" "$bin/initdb" -A trust -N -D "$WORK/pg/data" >"$WORK/initdb.log" 2>&1
	printf 'select count(*) from generate_series(1, 1000000000) a where a::text ~ $$9[0-4]*8$$;\n' >"$WORK/query"
	"${as[@]}" "$bin/postgres" --single -D "$WORK/pg/data" postgres <"$WORK/query" >"$WORK/pg.out" 2>&1 &
	PROGRAM=$!
	started+=($PROGRAM)
	sleep 1
	compare postgres $PROGRAM 1
fi
check_number "stacks compared" "$compared > 100"
finish
