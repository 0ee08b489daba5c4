#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Code made at run time: a program of ours that makes functions with known shares, below a chain of 20,
# and names them in a perf map; maps that come late, go early, are in another namespace, are not to be
# trusted. Then node, java and python with such chains, as far as they are installed.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-2}
out=$WORK/jit.pb.gz
maps=()	# to be removed

remove_maps() { rm -f ${maps[@]+"${maps[@]}"}; clean_up; }
trap remove_maps EXIT

made() # SECONDS MODE [FILE]
{
	start_target jit "$@"
	maps+=("/tmp/perf-$TARGET.map")
	# In other namespaces what works is a child.
	CHILD=$(awk '$1 == "inside" { print $2 }' "$TARGET_OUT")
}

# Of the samples in functions of that name below LAST those whose chain (FIRST, the next ones, LAST) is
# whole and in order: two numbers.
chain() # FILE FUNCTION-PREFIX FIRST LAST
{
	proof stacks "$1" | awk -F'\t' -v name="$2" -v first="$3" -v last="$4" '
		{
			split($1, v, " ")
			n = split($3, f, ";")
			wanted = first
			step = last > first ? 1 : -1
			begun = 0
			for (i = 1; i <= n; i++) {
				if (!match(f[i], name "[0-9]+$")) continue
				number = substr(f[i], RSTART) ; sub(name, "", number)
				if (number == first) begun = 1
				if (number == wanted && wanted != last + step) wanted += step
				else wanted = last + 2 * step
			}
			if (!begun) next
			all += v[1]
			if (wanted == last + step) whole += v[1]
		}
		END { print all + 0, whole + 0 }'
}

check_chain() # WHAT FILE PREFIX FIRST LAST LEAST
{
	local all whole

	read -r all whole < <(chain "$2" "$3" "$4" "$5")
	check_number "$1: samples of the chain" "$all >= 30"
	check_number "$1: whole and in order" "$whole >= $6 * $all"
}

said() # WHAT PATTERN: one line of the summary
{
	check_equal "$1" 1 "$(grep -cE "$2" "$WORK/run.err")"
}

run() # WHAT PID ARG...
{
	local what=$1 pid=$2

	shift 2
	profile_ok "$what" -p "$pid" -seconds "$seconds" -hz 400 -profile cpu -o "$out" "$@" &&
		check "$what: profile is valid" "$CPPROF" -check "$out"
}

shares() # WHAT
{
	local function

	for function in jit_60 jit_30 jit_10; do
		check "$1: $function" proof within4 "$out" $function \
			"$(awk "BEGIN { print $(truth $function) / $(truth accounted) }")"
	done
	check_chain "$1" "$out" jit_chain 20 1 0.97
}

made 0 map
run "map" "$TARGET" -v -save-raw "$WORK/jit.raw"
said "map: read" "functions in /tmp/perf-$TARGET\.map, 0 bad lines"
check_unharmed "$TARGET" map && pass "map: unharmed"
stop_target
shares map
check_complete "$out" 0.97
check_equal "file and line apart" "jit_chain7 /made/by/jit.x:107" "$(proof functions "$out" | grep '^jit_chain7 ')"
check_go_pprof "$out"
[ ! -e "/tmp/perf-$TARGET.map" ] || rm "/tmp/perf-$TARGET.map"
proof stacks "$out" | sort >"$WORK/live"
profile_ok "map: replay" -v -replay "$WORK/jit.raw" -profile cpu -o "$out"
said "map: replay: read" "functions in /tmp/perf-$TARGET\.map, 0 bad lines"
proof stacks "$out" | sort >"$WORK/again"
check "map: replay and live run are the same" diff "$WORK/live" "$WORK/again"

made 0 none
run "no map" "$TARGET" -seconds 500ms
said "no map: said" "no symbols: JIT code without /tmp/perf-$TARGET\.map "
check_equal "no map: no names" 0 "$(proof stacks "$out" | grep -c jit_)"
run "not asked" "$TARGET" -seconds 500ms -symbols none
check_equal "not asked: nothing said" 0 "$(grep -c 'perf-' "$WORK/run.err")"
stop_target

made 0 gone
run "removed early" "$TARGET" -seconds 2
stop_target
check_chain "removed early" "$out" jit_chain 20 1 0.97

# profile_to_end WHAT: the target ends while it is profiled
profile_to_end()
{
	local pid=$TARGET i

	rm -f "$WORK/run.err"
	{
		for ((i = 0; i < 200; i++)); do
			grep -q 'sampling process' "$WORK/run.err" 2>/dev/null && break
			sleep 0.1
		done
		sleep 1
		kill "$pid"
	} &
	profile_ok "$1" -p "$TARGET" -seconds 30 -hz 400 -profile cpu -o "$out"
	said "$1: the target ended" "ended before the window"
	wait
}

# As java -XX:+DumpPerfMapAtExit.
made 0 end
profile_to_end "written at the end"
shares "written at the end"

made 0 inside
if [ "$CHILD" ]; then
	maps+=("/tmp/perf-$CHILD.map")
	echo "not for us" >"/tmp/perf-$CHILD.map"
	run "other namespaces" "$CHILD" -seconds 1 -v
	said "other namespaces: its own number" "functions in /tmp/perf-1\.map"
	kill "$CHILD"
	end_of_target "other namespaces" 0
	shares "other namespaces"
else
	skip "other namespaces: not allowed here"
fi

# The tracer hangs on it once, and is replaced.
made 0 silent
if [ "$CHILD" ] && kill -0 "$CHILD" 2>/dev/null; then
	profile_ok "silent /tmp" -p "$CHILD" -seconds "${SECONDS_EACH:-2}" -hz 400 -profile cpu -o "$out"
	said "silent /tmp: said" "JIT code +of 1 processes whose /tmp does not answer"
	check_number "silent /tmp: tracers lost" "$(sed -nE 's/^restarts +tracer ([0-9]+),.*/\1/p' "$WORK/run.err") + 0 == 1"
	check_unharmed "$CHILD" "silent /tmp" && pass "silent /tmp: unharmed"
	kill "$CHILD"
	end_of_target "silent /tmp" 0
else
	skip "silent /tmp: cannot be made here"
fi

# distrust WHAT PATTERN COMMAND...: what COMMAND puts in the place of the map is refused and said.
distrust()
{
	local what=$1 pattern=$2

	shift 2
	rm -f "/tmp/perf-$TARGET.map"
	"$@" || { skip "$what: cannot be made here"; return; }
	profile_ok "$what" -p "$TARGET" -seconds 300ms -hz 400 -profile cpu -o "$out"
	said "$what: said" "perf-$TARGET\.map is not used: $pattern"
	check_equal "$what: no names" 0 "$(proof stacks "$out" | grep -c jit_)"
}
of_another_user() { cp "$WORK/map" "/tmp/perf-$TARGET.map" && chown 12345 "/tmp/perf-$TARGET.map"; }
too_large() { truncate -s 300M "/tmp/perf-$TARGET.map"; }
left_over() { cp "$WORK/map" "/tmp/perf-$TARGET.map" && touch -d '1 hour ago' "/tmp/perf-$TARGET.map"; }
made 0 none "$WORK/map"
distrust "symbolic link" "it is a symbolic link" ln -s "$WORK/map" "/tmp/perf-$TARGET.map"
distrust "second name" "it has more than one name" ln "$WORK/map" "/tmp/perf-$TARGET.map"
distrust "another user's" "it belongs to another user" of_another_user
distrust "a FIFO" "it is no regular file" mkfifo "/tmp/perf-$TARGET.map"
distrust "too large" "it is too large" too_large
distrust "left over" "it is older than the process" left_over
rm -f "/tmp/perf-$TARGET.map"
stop_target

# First and last instructions are most of what it does; the caller of the leaf must not be missing.
made 0 ring
run "ring" "$TARGET" -seconds 1
stop_target
read -r all bad < <(proof stacks "$out" | awk -F'\t' '
	{
		split($1, v, " ")
		n = split($3, f, ";")
		k = wrong = 0
		for (i = 1; i <= n; i++)
			if (f[i] ~ /^jit_ring/) g[++k] = substr(f[i], 9)
		for (i = 1; i < k; i++) wrong += (g[i] + 2) % 3 != g[i + 1]
		if (!k) next
		all += v[1]
		if (wrong || g[k] != 0) bad += v[1]
	}
	END { print all + 0, bad + 0 }')
check_number "ring: samples" "$all >= 50"
check_number "ring: calls that are missing" "$bad <= 0.01 * $all"

# --- real ones ---

# A chain of 20 functions, of which the last computes.
if command -v node >/dev/null; then
	{
		echo "function step20(n) { let s = n | 0; for (let i = 0; i < 20000; i++) s = (Math.imul(s, 31) + i) | 0; return s; }"
		for ((i = 19; i > 0; i--)); do echo "function step$i(n) { return step$((i + 1))(n + 1) + 1; }"; done
		echo "let s = 0; console.log('ready', process.pid); for (;;) s ^= step1(s);"
	} >"$WORK/chain.js"
	TARGET_OUT=$WORK/node.out
	node --perf-basic-prof --max-inlined-bytecode-size=0 --max-inlined-bytecode-size-small=0 "$WORK/chain.js" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	maps+=("/tmp/perf-$TARGET.map")
	wait_ready
	sleep 0.5	# until all of it is compiled
	run "node" "$TARGET"
	check_unharmed "$TARGET" node && pass "node: unharmed"
	stop_target
	check_chain node "$out" '[*^~]step' 20 1 0.97
	check_complete "$out" 0.97
	check_number "node: file and line" "$(proof functions "$out" | grep -cE "[*^]step7 $WORK/chain.js:14$") >= 1"
	check_go_pprof "$out"
else
	skip "node: not installed"
fi

# It writes its map when it ends, or when jcmd asks for it.
if command -v javac >/dev/null; then
	{
		echo "public class Chain {"
		echo "static int step20(int n) { int s = n; for (int i = 0; i < 20000; i++) s = s * 31 + i; return s; }"
		for ((i = 19; i > 0; i--)); do echo "static int step$i(int n) { return step$((i + 1))(n + 1) + 1; }"; done
		echo 'static int work(long ms) {'
		echo 'long until = System.nanoTime() + 1000000 * ms; int s = 0;'
		echo 'while (System.nanoTime() < until) s ^= step1(s); return s; }'
		echo 'public static void main(String[] a) { int s = work(1000);'
		echo 'System.out.println("ready " + ProcessHandle.current().pid());'
		echo 'System.out.println(s ^ work(1000000)); } }'
	} >"$WORK/Chain.java"
	javac -d "$WORK" "$WORK/Chain.java"
	start_java() # OPTION...
	{
		start_command java -XX:+PreserveFramePointer "$@" -XX:CompileCommand=dontinline,Chain::step\* -cp "$WORK" Chain
		maps+=("/tmp/perf-$TARGET.map")
	}
	start_java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit
	profile_to_end java
	check_chain java "$out" 'Chain.step' 20 1 0.97
	check_complete "$out" 0.97
	if command -v jcmd >/dev/null; then
		# Asked for while it runs.
		start_java
		check "jcmd: map" jcmd "$TARGET" Compiler.perfmap
		run "jcmd" "$TARGET" -seconds 1
		check_unharmed "$TARGET" jcmd && pass "jcmd: unharmed"
		stop_target
		check_chain jcmd "$out" 'Chain.step' 20 1 0.97
		check_complete "$out" 0.97
	else
		skip "java by jcmd: not installed"
	fi
else
	skip "java: not installed"
fi

python=
for found in $(type -aP python3 python3.12 python3.13 python3.14) "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
	"$found" -X perf -c 'import sys; sys.exit(not sys.is_stack_trampoline_active())' 2>/dev/null && python=$found && break
done
if [ "$python" ]; then
	{
		printf 'import os\ndef step20(n):\n    for i in range(3000):\n        n = (n * 31 + i) & 0xffff\n    return n\n'
		for ((i = 19; i > 0; i--)); do printf 'def step%d(n):\n    return step%d(n + 1) + 1\n' $i $((i + 1)); done
		printf 'print("ready", os.getpid(), flush=True)\nwhile True:\n    step1(1)\n'
	} >"$WORK/chain.py"
	TARGET_OUT=$WORK/python.out
	"$python" -X perf "$WORK/chain.py" >"$TARGET_OUT" 2>&1 &
	TARGET=$!
	started+=("$TARGET")
	wait_ready
	TARGET=$(awk '$1 == "ready" { print $2 }' "$TARGET_OUT")
	maps+=("/tmp/perf-$TARGET.map")
	run "python" "$TARGET" -seconds 1
	check_unharmed "$TARGET" python && pass "python: unharmed"
	stop_target
	check_chain python "$out" 'py::step' 20 1 0.97
	check_complete "$out" 0.97
	check_equal "python: file" "py::step7 $WORK/chain.py:0" "$(proof functions "$out" | grep '^py::step7 ')"
else
	skip "python: none that can (3.12 and later, -X perf)"
fi
finish
