#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Recordings of several processes, and of a command, say the same when they are played again.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-2}
GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
export GOCACHE
mkdir "$WORK/live" "$WORK/again"

# traces FILE: all stacks, values and labels, and the head, without the comments
traces()
{
	PPROF_TMPDIR=$WORK PPROF_BINARY_PATH=/nonexistent HOME=$WORK go tool pprof -traces "$1" 2>"$WORK/pprof.err"
}

# What the summary says of samples, processes, threads and time.
figures() { grep -E '^(samples|CPU|processes|stacks|stops|calls|target|races|trouble) ' "$1"; }

check_traces() # WHAT NAME: of the file of that name
{
	traces "$WORK/live/$2" >"$WORK/live.txt"
	traces "$WORK/again/$2" >"$WORK/again.txt"
	check_number "$1: $2: lines" "$(wc -l <"$WORK/live.txt") > 5"
	check "$1: $2: replay and live run are the same" diff "$WORK/live.txt" "$WORK/again.txt"
}

# check_again WHAT ARG...: profiles with these arguments, and then the recording of that. The live
# run's profiles are in $WORK/live, what it said in $WORK/live.err.
check_again()
{
	local what=$1 f

	shift
	rm -f "$WORK"/live/* "$WORK"/again/*
	profile_ok "$what: save" -hz 200 -save-raw "$WORK/x.raw" -o "$WORK/live/" "$@" || return
	mv "$WORK/run.err" "$WORK/live.err"
	check "$what: nothing lost" grep -E '^saved +[0-9]+ captures, 0 lost' "$WORK/live.err"
	profile_ok "$what: replay" -replay "$WORK/x.raw" -o "$WORK/again/" || return
	check "$what: no broken messages" test -z "$(grep '[1-9][0-9]* broken messages' "$WORK/run.err" "$WORK/live.err")"
	check_equal "$what: files" "$(ls "$WORK/live")" "$(ls "$WORK/again")"
	check_equal "$what: figures" "$(figures "$WORK/live.err")" "$(figures "$WORK/run.err")"
	if command -v go >/dev/null; then
		for f in "$WORK"/live/*; do
			check_traces "$what" "$(basename "$f")"
		done
	else
		skip "$what: traces: no go"
	fi
}

pids_in() { proof pids "$1" | cut -d' ' -f1 | grep -v None | sort -n | xargs; }

# --- by number, by name ---
name=cpprof-raw-$$
cp "$TARGETS/shares" "$WORK/$name"
pids=()
for i in 1 2; do
	"$WORK/$name" >"$WORK/named.$i" 2>&1 &
	TARGET=$! TARGET_OUT=$WORK/named.$i
	started+=("$TARGET")
	pids+=("$TARGET")
	wait_ready
done
check_again "two by number" -p "${pids[0]},${pids[1]}" -seconds "$seconds"
check_equal "two by number: pids" "${pids[*]}" "$(pids_in "$WORK/again/${name:0:15}.${pids[0]}.threads.pb.gz")"
check_again "by name" -name "$name" -seconds "$seconds"
check_equal "by name: pids" "${pids[*]}" "$(pids_in "$(ls "$WORK"/again/*.threads.pb.gz)")"
for i in 0 1; do
	check_unharmed "${pids[i]}" "process $i"
	stop_target "${pids[i]}"
done

# --- descendants, most of them born in the window ---
start_target family 120
kill -USR1 "$TARGET"
check_again "descendants" -p "$TARGET" -children -seconds "$seconds"
check_number "descendants: processes" "$(awk '$1 == "processes" { print $2; exit }' "$WORK/run.err") > 3"
check_unharmed "$TARGET" "descendants"
stop_target

# --- a command, from its first instruction to its end ---
check_again "command" -- "$TARGETS/sums" "$seconds"

# --- what is refused ---
for args in "-p 1 -save-raw x -every 1s" "-replay x -every 1s" "-replay x -children" "-replay x -name y" "-replay x -- true"; do
	# shellcheck disable=SC2086
	profile $args
	check_equal "$args: exit" 2 "$STATUS"
	check_number "$args: lines" "$(wc -l <"$WORK/run.err") == 1"
done

# --- a recording that cannot be begun: the command is not run ---
profile -save-raw "$WORK/none/x.raw" -- touch "$WORK/was_run"
check_equal "no such folder: exit" 1 "$STATUS"
check "no such folder: told" grep 'cannot save .*none/x.raw: No such file' "$WORK/run.err"
check "no such folder: the command did not run" test ! -e "$WORK/was_run"
finish
