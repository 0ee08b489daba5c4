#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The goroutine profile: 1000 goroutines that wait in known functions, as Go's own profile has their
# stacks, in a whole, a stripped and a position-independent program, and of Debian's older Go; of
# goroutines that are never still, no stack that cannot be; a program that has none.
. "$(dirname "$0")/../lib/harness.sh"
need python3 go strip
sources=$(cd "$(dirname "$0")/../targets" && pwd)
out=$WORK/goroutine.pb.gz
rounds=${ROUNDS:-6}
export GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
[ "${GOCACHE:-off}" != off ] || GOCACHE=$WORK/cache
export GO111MODULE=off GOTOOLCHAIN=local

build() # NAME SOURCE FLAGS [MODE [GO]]
{
	"${5:-go}" build -ldflags "$3" -buildmode="${4:-exe}" -o "$WORK/$1" "$sources/$2.go" >"$WORK/build.out" 2>&1 && return
	fail "build $1: $(head -3 "$WORK/build.out")"
	finish
}

# Stacks and how many have them, without what only begins a goroutine. Go leaves that out, too.
ours()
{
	awk -F'\t' '/main\.(Wait|Sleeps)/ {
		gsub(/;main\.main\.(gowrap|func)[0-9]+/, "", $3)
		sub(/;runtime\.goexit(\.abi0)?$/, "", $3)
		n[$3] += $1
	} END { for (s in n) print n[s], s }' "$WORK/goroutines" | sort
}

theirs()
{
	awk '$1 == "stack" {
		gsub(/;main\.main\.(gowrap|func)[0-9]+/, "", $3)
		sub(/;runtime\.goexit(\.abi0)?$/, "", $3)
		n[$3] += $2
	} END { for (s in n) print n[s], s }' "$TARGET_OUT" | sort
}

count() # STATE FUNCTION: goroutines in that state below the function
{
	awk -F'\t' -v state="$1" -v name="$2;" '$2 == state && index($3, name) { n += $1 } END { print n + 0 }' "$WORK/goroutines"
}

check_counts() # NAME STATE_OF_LOCKS STATE_OF_GROUP
{
	check_equal "$1: for a mutex" 100 "$(count "$2" main.WaitsForMutex)"
	check_equal "$1: for a group" 100 "$(count "$3" main.WaitsForGroup)"
	check_equal "$1: for a condition" 100 "$(count sync.Cond.Wait main.WaitsForCond)"
	check_equal "$1: to receive" 330 "$(count "chan receive" main.WaitsToReceive)"
	check_equal "$1: to send" 100 "$(count "chan send" main.WaitsToSend)"
	check_equal "$1: in select" 100 "$(count select main.WaitsInSelect)"
	check_equal "$1: asleep" 100 "$(count sleep main.Sleeps)"
	check_equal "$1: for input" 50 "$(count "IO wait" main.WaitsForInput)"
	check_equal "$1: in a call" 8 "$(count syscall main.WaitsInCall)"
	# A stop may meet it just when the runtime has taken its thread.
	check_number "$1: running" "$(count running main.Runs) + $(count runnable main.Runs) == 1"
}

run() # NAME STATE_OF_LOCKS STATE_OF_GROUP
{
	TARGETS=$WORK start_target "$1"
	profile_ok "$1" -p "$TARGET" -profile goroutine -o "$out"
	check_unharmed "$TARGET" "$1" && pass "$1: unharmed"
	proof labelled "$out" state >"$WORK/goroutines"
	ours >"$WORK/ours"
	theirs >"$WORK/theirs"
	check "$1: stacks as Go's own profile has them" diff "$WORK/theirs" "$WORK/ours"
	check_number "$1: stacks that were compared" "$(wc -l <"$WORK/theirs") >= 11"
	check_counts "$@"
	check_equal "$1: deep and whole" 10 "$(awk -F'\t' '
		/main\.Far;.*;runtime\.goexit/ { n += gsub(/main\.Deep;/, "", $3) == 901 ? $1 : 0 } END { print n + 0 }' "$WORK/goroutines")"
	check "$1: sane" proof sane "$out"
	stop_target
}

lock=sync.Mutex.Lock group=sync.WaitGroup.Wait minor=$(go env GOVERSION | sed 's/go1\.//; s/[^0-9].*//')
((minor >= 20)) || lock=semacquire
((minor >= 24)) || group=semacquire
build whole goroutines ""
run whole $lock $group
check_go_pprof "$out"
check_view "$out" "$(proof sum "$out" goroutine)" state
check_equal "keeps the format's rules" 0 "$("$CPPROF" -check "$out" >/dev/null 2>&1; echo $?)"
if ((minor == 19 || minor >= 21)); then
	strip -o "$WORK/stripped" "$WORK/whole"
	run stripped $lock $group
	build pie goroutines "-s -w" pie
	run pie $lock $group
fi
old=/usr/lib/go-1.19/bin/go
if ((minor != 19)) && [ -x $old ]; then
	build old goroutines "-s -w" exe $old
	run old semacquire semacquire
else
	skip "Go 1.19: not installed beside another"
fi

# What is possible while nothing stands still.
build churn churn ""
TARGETS=$WORK start_target churn
for ((i = 0; i < rounds; i++)); do
	"$CPPROF" -q -p "$TARGET" -profile goroutine -o "$out" 2>>"$WORK/churn.err" || fail "churn: exit $?"
	proof stacks "$out"
done >"$WORK/churn.stacks"
check_unharmed "$TARGET" churn && pass "churn: unharmed"
stop_target
# A running one may be met in the runtime's own code, and what that asks the kernel's clock, on a stack that begins
# there.
cut -f 3 "$WORK/churn.stacks" |
	sed -E 's/;main\.main\.gowrap[0-9]+//; s/;runtime\.goexit(\.abi0)?$//
		s/^(__vdso_)?clock_gettime;//; s/^((runtime|internal\/[a-z\/]+|syscall|sync|time)\.[^;]*;)*//' >"$WORK/churn.own"
possible='main\.main;runtime\.main|main\.loop|main\.main\.func5
(main\.PingWait;)?(main\.Ping;){0,7}main\.main\.func1;main\.loop
(main\.PongWait;)?(main\.Pong;){0,5}main\.main\.func2;main\.loop
(main\.Calls;){0,6}main\.main\.func3;main\.loop
(main\.Locks;){0,4}main\.main\.func4;main\.loop
(main\.Grows;){0,40}main\.main\.func5\.1'
grep 'main\.' "$WORK/churn.own" | grep -vxE "$possible" >"$WORK/churn.bad"
check_number "churn: stacks" "$(grep -c 'main\.' "$WORK/churn.own") >= 35 * $rounds"
check_equal "churn: stacks that cannot be" 0 "$(wc -l <"$WORK/churn.bad")"
sed 's/^/    /' "$WORK/churn.bad" | head -5

# No Go, no goroutines.
sleep 60 &
started+=($!)
"$CPPROF" -p $! -profile goroutine -o "$WORK/none.pb.gz" >"$WORK/none.out" 2>&1
check_equal "not made by Go: exit" 3 $?
check_equal "not made by Go: one line says so" 1 "$(grep -c 'shows no goroutines: its program was not made by Go' "$WORK/none.out")"
[ ! -e "$WORK/none.pb.gz" ] && pass "not made by Go: no file"
finish
