#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Go's debug=1 texts, read by each pprof that is here, hold what the pprof file of the same profile
# holds: stacks by their addresses, and with the process's maps by the names that pprof itself finds.
. "$(dirname "$0")/../lib/harness.sh"
need python3 go
. "$LIB/gos.sh"
driver=$PWD/tests/legacy/legacy
[ -x "$driver" ] || skip_all "no $driver"

# What pprof reads, in a form that the proof reads; no word of complaint but of the missing maps.
convert() # GO FILE OUT
{
	if "$1" tool pprof -symbolize=local -proto -output "$3" "$2" >"$WORK/pprof.out" 2>&1 && [ -s "$3" ] &&
		! grep -vE '^(Main binary filename not available\.|Generating report in .*)$' "$WORK/pprof.out" >"$WORK/said"; then
		return
	fi
	fail "$(go_version "$1") reads $(basename "$2"): $(head -3 "$WORK/pprof.out" "$WORK/said" 2>/dev/null)"
	return 1
}

"$driver" "$WORK" >"$WORK/driver.out" 2>&1 || { fail "driver: $(head -3 "$WORK/driver.out")"; finish; }
for go in "${GOS[@]}"; do
	version=$(go_version "$go")
	for kind in thread threadcreate goroutine heap allocs block mutex; do
		for form in pb.gz txt maps; do
			convert "$go" "$WORK/$kind.$form" "$WORK/$form.pb.gz" || continue 2
		done
		check "$version: $kind: text" python3 "$LIB/legacy_proof.py" "$WORK/pb.gz.pb.gz" "$WORK/txt.pb.gz"
		check "$version: $kind: with maps" python3 "$LIB/legacy_proof.py" "$WORK/pb.gz.pb.gz" "$WORK/maps.pb.gz"
		check "$version: $kind: names" python3 "$LIB/legacy_proof.py" "$WORK/pb.gz.pb.gz" "$WORK/maps.pb.gz" names
	done
	check_equal "$version: named by pprof itself" "leaf_function middle_function outer_function" \
		"$(proof stacks "$WORK/maps.pb.gz" | tr '\t;' '\n\n' | grep _function | sort -u | paste -sd ' ')"
done
# A delay is one: pprof scales what it takes for cycles.
check_equal "nanoseconds" "$(proof sum "$WORK/mutex.pb.gz" delay)" "$(proof sum "$WORK/maps.pb.gz" delay)"
finish
