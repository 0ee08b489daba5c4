#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads that compute on another stack than their own, in handlers and in a coroutine: the known
# chains on both stacks, whole, and the share of time that each spends there.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-3}
out=$WORK/altstacks.pb.gz

start_target altstacks
profile_ok "cpu profile, 500 Hz" -p "$TARGET" -seconds "$seconds" -hz 500 -max-stop 100% -profile cpu -o "$out" || finish
cp "$WORK/run.err" "$WORK/cpu.err"
profile_ok "all stacks" -p "$TARGET" -profile threads -o "$WORK/threads.pb.gz" || finish
check_unharmed "$TARGET" "afterwards" && pass "unharmed"
check "the target's own sums hold" stop_target
check "profile is sane" proof sane "$out"

# Samples in NAME_work, those of them with the whole chain, and all of the thread. A chain has five calls above, handlers
# and twenty below.
chain() # NAME HANDLERS ROOT FILE THREAD
{
	proof stacks "$4" "$5" | awk -F'\t' -v name="$1" -v handlers="$2" -v root="$3" '
		{ split($1, v, " "); all += v[1] }
		$3 ~ name {
			n += v[1]
			k = split($3, f, ";")
			above = below = hand = found = order = 0
			for (i = 1; i <= k; i++) {
				above += f[i] == "above"
				hand += f[i] ~ /^on_(signal|outer)$/
				below += f[i] == "below"
				order += f[i] == "above" && below || f[i] ~ /^on_/ && below
				found += f[i] == root
			}
			whole += above == 5 && below == 20 && hand == handlers && found && !order &&
				$3 !~ /;\[(stack|no unwind|came from|damaged|outside)/ ? v[1] : 0
		}
		END { print n + 0, whole + 0, all + 0 }'
}

check_kind() # NAME HANDLERS ROOT
{
	local n whole all p

	read -r n whole all < <(chain "^$1_work" "$2" "$3" "$out" "$1")
	check_number "$1: samples" "$n > 8 * $seconds"
	# Until it is known how much of a stack is needed, one or two are too short.
	check_number "$1: whole chains" "$whole >= 0.99 * $n - 2"
	# Of the samples, for their weights are unequal where ticks were missed; six sigma, for they are not
	# quite independent where more threads run than there are CPUs.
	p=$(awk "BEGIN { print $(truth "$1") / $(truth "$1_total") }")
	check_number "$1: share of its samples" "($n / $all - $p)^2 <= 36 * $p * (1 - $p) / $all"
}

check_kind heap 1 heap
check_kind nested 2 nested
check_kind array 1 array
check_kind coroutine 0 body
read -r n whole _ < <(chain ^forged_work 0 forged "$out" forged)
check_number "forged: samples" "$n > 8 * $seconds"
check_equal "forged: stacks that go on" 0 "$(proof stacks "$out" forged | grep 'forged_work;on_forged' | grep -c below)"
check_equal "tracers and workers that had to be started again" 0 "$(grep -c '^restarts' "$WORK/cpu.err")"
read -r n whole _ < <(chain . 1 sleeper "$WORK/threads.pb.gz" sleeper)
check_equal "a thread that sleeps in a handler, without a stop" "1 1" "$n $whole"
finish
