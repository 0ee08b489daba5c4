#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a server costs that nobody asks, how long after its window's end an answer is there (beside a Go
# program's own), and what many clients at once do to the sampling. Arguments: SECONDS CLIENTS ROUNDS.
. "$(dirname "$0")/lib.sh"
need python3 go
. "$LIB/serve.sh"
seconds=${1:-5} clients=${2:-50} rounds=${3:-5}

# roles_of PID: a server and its children
roles_of() { pgrep -P "$1" | cat - <(echo "$1"); }

# used PID...: their CPU time in ns, and how often they were put on a CPU
used() { for p; do cat /proc/"$p"/schedstat; done | awk '{ t += $1; n += $3 } END { printf "%d %d\n", t, n }'; }

idle() # WHAT ARG...
{
	local what=$1 before after

	shift
	serve "$what" -p "$TARGET" -http 127.0.0.1:0 "$@"
	sleep 2
	# shellcheck disable=SC2046
	before=$(used $(roles_of "$SERVER"))
	sleep "$seconds"
	# shellcheck disable=SC2046
	after=$(used $(roles_of "$SERVER"))
	awk -v what="$what" -v s="$seconds" '{ printf "%-34s %10.2f %12.4f\n", what, ($4 - $2) / s, ($3 - $1) / s / 1e7 }' <<<"$before $after"
	stop_server "$what" >/dev/null
}

printf '%-34s %10s %12s\n' "nobody asks; 1000 idle threads" "wakes/s" "% of a core"
start_target idle 0 1000 0
idle "-background 0" -background 0
idle "-background 1 (the default)"
idle "-background 10" -background 10
printf 'threads of the target that ran: %s\n' "$(stop_target; truth idle_moved)"

printf '\n%-34s %10s %12s\n' "answer after the window's end, s" median latest
start_go_pprof
printf '%-34s %10s %12s\n' "a Go program's own" $(python3 "$BENCH/serve.py" late "$URL" 2 "$rounds" | cut -d' ' -f1,2)
go_target=$TARGET
serve "go" -p "$go_target" -http 127.0.0.1:0
printf '%-34s %10s %12s\n' "the same program, by us" $(python3 "$BENCH/serve.py" late "$URL" 2 "$rounds" | cut -d' ' -f1,2)
stop_server go >/dev/null
stop_target "$go_target"
if command -v clang++ >/dev/null; then
	(while :; do clang++ -O2 -std=c++17 -x c++ -o /dev/null -c "$BENCH/unit.cc"; done) >/dev/null 2>&1 &
	loop=$!
	started+=("$loop")
	sleep 1
	serve "clang" -p "$loop" -children -http 127.0.0.1:0
	printf '%-34s %10s %12s\n' "clang++ compiling, by us" $(python3 "$BENCH/serve.py" late "$URL" 2 "$rounds" | cut -d' ' -f1,2)
	kill "$loop"
	stop_server clang >/dev/null
fi

printf '\n%-34s %10s %14s\n' "clients at once, $seconds s each" "latest, s" "samples/s CPU"
start_target shares
serve "crowd" -p "$TARGET" -http 127.0.0.1:0
for n in 1 "$clients"; do
	python3 "$BENCH/serve.py" crowd "$URL" "$seconds" "$n" "$WORK/crowd" >"$WORK/crowd.out"
	rate=$(for f in "$WORK"/crowd.[0-9]*; do
		awk -v s="$(proof samples "$f")" -v c="$(proof sum "$f" cpu)" 'BEGIN { print s / (c / 1e9) }'
	done | median)
	printf '%-34s %10s %14.1f\n' "$n" "$(cut -d' ' -f2 "$WORK/crowd.out")" "$rate"
	rm -f "$WORK"/crowd.[0-9]*
done
stop_server crowd >/dev/null
stop_target
