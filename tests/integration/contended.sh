#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A mutex that two known functions hold for 70 and 30 % of the time that three threads wait for it: who
# waits, who holds, how long and how often; all wall time is accounted.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-6} hz=500

start_target contended
mkdir "$WORK/out"
profile_ok "wall, block, mutex" -p "$TARGET" -seconds "$seconds" -hz $hz -profile wall,block,mutex -o "$WORK/out/" || finish
check_unharmed "$TARGET" "afterwards"
check "the target's own sums hold" stop_target
block=$(echo "$WORK"/out/*.block.pb.gz) mutex=$(echo "$WORK"/out/*.mutex.pb.gz) wall=$(echo "$WORK"/out/*.wall.pb.gz)

for file in "$block" "$mutex" "$wall"; do
	check "$(basename "$file") is sane" proof sane "$file"
	check_equal "$(basename "$file") keeps the format's rules" 0 "$("$CPPROF" -check "$file" >/dev/null 2>&1; echo $?)"
	check_go_pprof "$file"
done

# Delay and contentions a second, of the window and of the whole run of the target.
window=$(proof duration "$block")
per_second() { awk "BEGIN { print $1 / $2 }"; }
waited=$(per_second "$(truth waited)" "$(truth took)")
for file in "$block" "$mutex"; do
	delay=$(per_second "$(proof sum "$file" delay)" "$window")
	check_number "$(basename "$file"): delay" "0.95 * $waited <= $delay && $delay <= 1.05 * $waited"
	often=$(per_second "$(truth contended)" "$(truth took)")
	found=$(per_second "$(proof sum "$file" contentions)" "$window")
	check_number "$(basename "$file"): contentions" "0.9 * $often <= $found && $found <= 1.1 * $often"
done
check_number "who waits" "$(proof cum "$block" take_from_stock) >= 0.98"
check_number "kind" "$(proof labels "$block" kind | awk -F'\t' '{ all += $3; ok += $1 == "mutex" ? $3 : 0 } END { print ok / all }') >= 0.99"

# Who holds: the samples are ticks at which somebody waits.
for which in 70 30; do
	share=$(awk "BEGIN { print $(truth hold_$which) / $(truth waited) }")
	found=$(proof cum "$mutex" hold_$which)
	sigma=$(awk "BEGIN { print sqrt($share * (1 - $share) / ($seconds * $hz * 0.8)) }")
	# A holder that others keep from the CPUs cannot be stopped, and is shown as that.
	missed=0
	[ $which = 30 ] || missed=$(proof cum "$mutex" "[not readable: waits for a CPU]")
	check_number "hold_$which" "$found <= $share + 4 * $sigma && $found + ${missed:-0} >= $share - 4 * $sigma - 0.01"
done
check_number "the lock's name" "$(proof labels "$mutex" lock | awk -F'\t' '{ all += $3; ok += $1 == "stock_lock" ? $3 : 0 } END { print ok / all }') == 1"

# What the viewer does with them.
if command -v go >/dev/null; then
	export PPROF_TMPDIR=$WORK
	shown() { go tool pprof -top "$@" 2>/dev/null | sed -nE 's/.*accounting for ([0-9.]+)[a-z]*,.*/\1/p'; }
	check_number "-tagfocus=kind=mutex" "$(shown -tagfocus=kind=mutex "$block") > 1"
	check_number "-tagfocus of no kind that is there" "$(shown -tagfocus=kind=rwlock "$block") == 0"
	check_number "-tagfocus=state=sleeping" "$(shown -tagfocus=state=sleeping "$wall") > 1"
	for file in "$block" "$mutex" "$wall"; do
		check_number "-diff_base: $(basename "$file") less itself" "$(shown -diff_base "$file" "$file") == 0"
	done
fi

# Four threads for the whole window.
check_number "wall time" "($(proof sum "$wall" wall) / $window - 4)^2 <= 0.04^2"
check_complete "$wall" 0.9

# Goroutines: no thread is blocked while they wait.
command -v go >/dev/null || { skip "goroutines: no go"; finish; }
export GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
[ "${GOCACHE:-off}" != off ] || GOCACHE=$WORK/cache
sources=$(cd "$(dirname "$0")/../targets" && pwd)
check "goroutines: build" env GO111MODULE=off GOTOOLCHAIN=local go build -o "$WORK/contended-go" "$sources/contended.go"
start_command "$WORK/contended-go"
mkdir "$WORK/go"
profile_ok "goroutines" -p "$TARGET" -seconds 5 -hz 200 -profile block,mutex -o "$WORK/go/" || finish
check_unharmed "$TARGET" "goroutines"
check_number "goroutines: threads stopped" "$(sed -nE 's/^stops +([0-9]+),.*/\1/p' "$WORK/run.err") == 0"
stop_target
block=$(echo "$WORK"/go/*.block.pb.gz) mutex=$(echo "$WORK"/go/*.mutex.pb.gz)
window=$(proof duration "$block")
# Until Go 1.19 the runtime says of a mutex only that it is a semaphore.
minor=$(go env GOVERSION | sed 's/go1\.//; s/[^0-9].*//')
((minor >= 20)) && lock=mutex || lock=sem
for what in mutex:$lock:TakeFromStock chan:chan:TakeFromChannel; do
	IFS=: read -r kind word function <<<"$what"
	proof labels "$block" kind "main.$function" >"$WORK/kinds"
	check_equal "goroutines: kinds of waits in $function" "$word" "$(cut -f 1 "$WORK/kinds")"
	delay=$(per_second "$(cut -f 3 "$WORK/kinds")" "$window") due=$(per_second "$(truth "$kind")" "$(truth took)")
	check_number "goroutines: delay, $kind" "0.93 * $due <= $delay && $delay <= 1.07 * $due"
	found=$(per_second "$(cut -f 2 "$WORK/kinds")" "$window") often=$(per_second "$(truth "${kind}_waits")" "$(truth took)")
	check_number "goroutines: waits, $kind" "0.9 * $often <= $found && $found <= 1.1 * $often"
done
[ $lock = sem ] || check_equal "goroutines: the mutex records no holder" "[holder unknown]" "$(proof stacks "$mutex" | cut -f 3 | sort -u)"
finish
