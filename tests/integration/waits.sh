#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What threads wait for and who holds it, by the checks of tests/unit/test_waits.c with builds other
# than the system's own C library: static, musl. Then the block profile's labels of the same threads:
# the kind, where need be by the names on the stack, and the name of the variable that is the lock; and
# the mutex profile: for each of them the stack of the thread that holds it, which holds them all.
. "$(dirname "$0")/../lib/harness.sh"
need python3
test=$TARGETS/../unit/test_waits
seconds=${SECONDS_EACH:-1}
builds="static"
command -v musl-gcc >/dev/null && builds+=" musl musl_static" || skip "musl: no musl-gcc"

# truths NAME: tid, kind and lock of all that wait for some lock. Where a lock is no variable of a
# name it has its address, or none. musl's threads wait on their own stacks for conditions and barriers;
# the function that waits for a pthread_once has no name in its shared library.
truths()
{
	awk -v build="$1" -v musl="$([[ $1 = musl* ]] && echo 1)" '$1 == "truth" && $2 ~ /^wait/ && $3 != "idle" {
		sub("wait.", "", $2)
		if (build == "musl" && $3 == "once") $3 = "futex"
		lock = $6 != "-" ? $6 : $4 != "0x0" ? $4 : "-"
		print $2, $3, musl && $3 ~ /cond|barrier/ ? "ADDRESS" : lock }' "$TARGET_OUT" | sort
}

labels() # NAME FILE
{
	proof waits "$2" | awk -v musl="$([[ $1 = musl* ]] && echo 1)" '{
		print $1, $2, musl && $2 ~ /cond|barrier/ && $3 ~ /^0x/ ? "ADDRESS" : $3 }' | sort
}

check_labels() # NAME
{
	local file=$WORK/$1.pb.gz

	mkdir "$WORK/$1"
	profile_ok "$1" -p "$TARGET" -seconds "$seconds" -hz 50 -profile block,mutex -o "$WORK/$1/" || return
	mv "$WORK/$1/"*.block.pb.gz "$file"
	check "$1: sane" proof sane "$file"
	check "$1: holder of each lock" python3 "$LIB/holders.py" "$(echo "$WORK/$1/"*.mutex.pb.gz)" "$TARGET_OUT" "$TARGET" \
		$([ "$1" != musl ] || echo once)
	check "$1: kind and lock of each thread" diff <(truths "$1") <(labels "$1" "$file")
	check_unharmed "$TARGET" "$1" && pass "$1: unharmed"
	stop_target
}

variants locks
for build in $builds; do
	[ ! -x "$test" ] || check "$build: holders" env LOCKS="$VARIANTS/locks_$build" timeout 60 "$test"
	[ "$build" != musl_static ] || continue
	start_command "$VARIANTS/locks_$build" 100
	check_labels "$build"
done
start_target locks 100
check_labels shared
finish
