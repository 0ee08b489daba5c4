#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Locks of C++ and Rust: each thread waits for what its name says; who holds it is found where the lock
# records it, and is said to be unknown where it does not.
. "$(dirname "$0")/../lib/harness.sh"
need python3 rustc

# kinds PROGRAM KINDS: what its threads wait for, sorted; sets MUTEX to the mutex profile.
kinds()
{
	local program=$1 dir

	dir=$WORK/$program
	mkdir "$dir"
	start_command "$VARIANTS/$program"
	profile_ok "$program" -p "$TARGET" -seconds 1 -profile block,mutex -o "$dir/" || finish
	stop_target
	MUTEX=$(echo "$dir"/*.mutex.pb.gz)
	check_equal "$program: threads that wait for something else than their name says" "" \
		"$(proof delays "$(echo "$dir"/*.block.pb.gz)" | awk -F'\t' '$1 != $2' | tr '\n' ' ')"
	check_equal "$program: kinds" "$2" \
		"$(proof delays "$(echo "$dir"/*.block.pb.gz)" | cut -f2 | sort | tr '\n' ' ')"
}

# held FUNCTION KIND N: of N threads that wait for that kind it has what they want.
held()
{
	check_number "$2 held by $1" \
		"$(proof delays "$MUTEX" "$1" | awk -F'\t' -v kind="$2" '$2 == kind { sum += $3 } END { print sum / 1e9 }') >= 0.97 * $3"
}

variants locked
kinds locked-cc "cond join mutex mutex mutex rwlock rwlock sem "
held hold_all mutex 3
held hold_all rwlock 2
held std::this_thread::sleep_for join 1
kinds locked-rs "cond cond futex join mutex once rwlock rwlock "
held "[holder unknown]" mutex 1
held "[holder unknown]" rwlock 2
held "[holder unknown]" once 1
finish
