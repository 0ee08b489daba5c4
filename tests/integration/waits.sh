#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What threads wait for and who holds it, of other builds than the system's own C library: static,
# musl. The checks are those of tests/unit/test_waits.c.
. "$(dirname "$0")/../lib/harness.sh"
need musl-gcc
test=$TARGETS/../unit/test_waits
[ -x "$test" ] || skip_all "no $test (it needs cmocka)"

variants locks
for build in static musl musl-static; do
	check "$build" env LOCKS="$VARIANTS/locks-$build" timeout 60 "$test"
done
finish
