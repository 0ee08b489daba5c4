#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -max-stop: pauses keep to their share of the CPU time, by a lower rate; weights stay right when the
# rate changes; the summary and the file say what rate was reached.
. "$(dirname "$0")/../lib/harness.sh"
need python3
# Both halves have to be long beside a time in which a virtual CPU is taken away.
seconds=${SECONDS_EACH:-6}
[ "$seconds" -ge 6 ] || seconds=6

run() # HZ MAX_STOP: profiles depths from before its work to its end
{
	start_target depths "$seconds"
	out=$WORK/depths.$1.$2.pb.gz
	profile_ok "$1 Hz, at most $2" -p "$TARGET" -seconds 120 -hz "$1" -max-stop "$2" -profile cpu -o "$out"
	wait "$TARGET"
	sed -n '/^samples/,/^calls/p' "$WORK/run.err" | sed 's/^/    /'
	# Held is what the median pause of the last moments makes; a machine with much to do adds a tail. The
	# median of the whole window is below half of the pauses: times all stops it is at most twice their sum.
	stops=$(awk '$1 == "stops" { n = $2 + 0; p = $4 + 0 } $1 == "CPU" { cpu = $2 + 0 }
		END { print n * p / 1e4 / cpu }' "$WORK/run.err")
	reached=$(awk '$1 == "samples" { for (i = 1; i < NF; i++) if ($i == "Hz") print $(i - 1) }' "$WORK/run.err")
	comment=$(go_comments "$out")
}

go_comments() { python3 -c "
import sys
sys.path.insert(0, sys.argv[2])
import proof
print(*proof.Profile(sys.argv[1]).comments, sep='\n')" "$1" "$LIB"; }

run 4000 1%
check_number "pauses, % of the CPU time" "$stops > 0.2 && $stops <= 2.2"
check_number "rate reached" "$reached < 2000"
check "the summary says why" grep -q "^rate .*1% of the CPU time" "$WORK/run.err"
check "the file says what rate" grep -q "ticks, $reached Hz" <(echo "$comment")
# With equal weights the second half would have 0.2 to 0.3. The bound is wide because a virtual CPU that is
# taken away counts as CPU time, and ticks that fall into that time are lost.
all=$(($(truth shallow) + $(truth deep)))
for half in shallow deep; do
	check_number "share of ${half}_work" \
		"($(proof cum "$out" ${half}_work) - $(truth $half) / $all)^2 <= 0.15^2"
done
samples() { proof stacks "$out" | awk -F'\t' -v f="$1" 'index($3, f) { split($1, v, " "); n += v[1] } END { print n + 0 }'; }
check_number "and the rate did change between the halves" "$(samples deep_work) < $(samples shallow_work) * 0.9"

run 1000 100%
check "no limit: the rate is not lowered" test "$(grep -c '^rate' "$WORK/run.err")" = 0
for half in shallow deep; do
	check_number "share of ${half}_work" \
		"($(proof cum "$out" ${half}_work) - $(truth $half) / ($(truth shallow) + $(truth deep)))^2 <= 0.1^2"
done
check_refused "-max-stop 0" "-max-stop 101" "-max-stop x" "-max-stop 2x"
finish
