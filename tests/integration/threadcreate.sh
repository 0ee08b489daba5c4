#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who creates threads: exactly as many as the program knows, by function; by pthread_create, std::thread,
# Rust's std::thread::spawn and Go's runtime; of a process that runs already and from a command's first
# instruction; in programs that replace themselves; in files one after the other, and out of a recording.
. "$(dirname "$0")/../lib/harness.sh"
need python3 make g++ rustc go
out=$WORK/created.pb.gz

all() { proof sum "$out" threadcreate; }

# by FUNCTION: threads created in it, however deep
by()
{
	proof stacks "$out" | awk -F'\t' -v want="$1" '
		{ n = split($3, f, ";"); for (i = 1; i <= n; i++) if (f[i] ~ "(^|::)" want "$") { split($1, v, " "); sum += v[1]; break } }
		END { print sum + 0 }'
}

check_created() # WHAT FUNCTION...
{
	local what=$1 function

	shift
	check_equal "$what: threads" "$(truth created)" "$(all)"
	for function; do
		check_equal "$what: by $function" "$(truth "$function")" "$(by "$function")"
	done
	check "$what: profile is sane" proof sane "$out"
	check_complete "$out" 1
	check_equal "$what: guesses" 0 "$(proof stacks "$out" | grep -c guessed)"
}

c_functions=(makes_fifty makes_thirty makes_twenty makes_nested makes_inner)

start_target creates 700
profile_ok "running" -p "$TARGET" -seconds 20 -profile threadcreate -o "$out"
end_of_target "running" 0
check_created "running" "${c_functions[@]}"
check_equal "running: processes that ended wrongly" 0 "$(truth bad_processes)"
check_equal "running: the summary" 125 "$(sed -nE 's/^created +([0-9]+) threads;.*/\1/p' "$WORK/run.err")"
check_equal "running: new processes let go" 3 "$(sed -nE 's/.* ([0-9]+) new processes let go$/\1/p' "$WORK/run.err")"
check_go_pprof "$out"
check_view "$out" 125 thread_name
check_number "go tool pprof: the number" "$(grep -c 'Type: threadcreate' "$WORK/pprof.out") + $(grep -c threadcreate/count "$WORK/pprof.out") >= 1"

# The command's own output is on ours.
launch() # WHAT COMMAND...
{
	local what=$1

	shift
	profile_ok "$what" -profile threadcreate -top=0 -o "$out" -- "$@"
	TARGET_OUT=$WORK/run.out
}

launch "launched" "$TARGETS/creates" 0 8
check_created "launched" "${c_functions[@]}"
profile_ok "recorded" -profile threadcreate -top=0 -o "$out" -save-raw "$WORK/raw" -- "$TARGETS/creates" 0
profile -replay "$WORK/raw" -top=0 -o "$WORK/none.pb.gz"
check_equal "replayed as what it is not: told" 1 "$(grep -c 'give -profile threadcreate$' "$WORK/run.err")"
profile_ok "replayed" -replay "$WORK/raw" -profile threadcreate -top=0 -o "$out"
TARGET_OUT=$WORK/run.out
check_equal "replayed: threads" 125 "$(all)"
check_equal "replayed: by makes_thirty" 30 "$(by makes_thirty)"

# Six threads in each program, the first included; the last of each executes the next one.
launch "execs" "$TARGETS/exec_storm" 40
check_equal "execs: done" 40 "$(truth execs)"
check_equal "execs: threads" $((6 * 41)) "$(all)"
check_complete "$out" 1
check_equal "execs: the summary" 40 "$(summary 'times$')"

variants creates
for language in c++ rust; do
	launch "$language" "$VARIANTS/creates-$language" </dev/null
	check_created "$language" many one_by_one
done
# Go's threads stay: all but the first were created.
launch go "$VARIANTS/creates-go"
check_equal "go: threads" $(($(truth threads) - 1)) "$(all)"
check_equal "go: by runtime.newm" "$(all)" "$(by 'runtime.newm1')"

# No thread is in two files or in none.
start_target creates 1700
mkdir "$WORK/files"
profile_ok "files" -p "$TARGET" -every 1 -count 3 -profile threadcreate -o "$WORK/files/"
end_of_target "files" 0
sum=0
for out in "$WORK"/files/*; do sum=$((sum + $(all))); done
check_equal "files: threads" 125 "$sum"

check_refused "-profile cpu,threadcreate" "-profile threadcreate,threads" "-profile threadcreate -children"
finish
