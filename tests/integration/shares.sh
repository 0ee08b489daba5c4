#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One thread with known CPU shares: every share within 4 sigma, the sum within 1 % of the clock.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-8}

start_target shares
out=$WORK/shares.pb.gz
cpu0=$(cpu_of "$TARGET") wall0=$(date +%s%N)
profile_ok "cpu profile, 200 Hz" -p "$TARGET" -seconds "$seconds" -hz 200 -profile cpu -o "$out" || finish
cpu1=$(cpu_of "$TARGET") wall1=$(date +%s%N)
check_unharmed "$TARGET" "afterwards"
check "the target's own sums hold" stop_target

check "profile is sane" proof sane "$out"
for share in 40 25 20 10 05; do
	check "share_$share" proof within4 "$out" share_$share \
		"$(awk "BEGIN { print $(truth share_$share) / $(truth accounted) }")"
done
check_number "samples" "$(proof samples "$out") >= $seconds * 200 * 0.5"

# The process clock over our window: CPU per wall time around it, times the profile's duration.
sum=$(proof sum "$out" cpu)
due=$(awk "BEGIN { printf \"%.0f\", ($cpu1 - $cpu0) / ($wall1 - $wall0) * $(proof duration "$out") }")
check_number "CPU accounted against the process clock" "$sum <= $due * 1.01 && $sum >= $due * 0.99"
check_complete "$out" 0.99
check_go_pprof "$out"

start_target sigalt
out=$WORK/sigalt.pb.gz
profile_ok "handler on an alternate stack" -p "$TARGET" -seconds 10 -hz 200 -profile cpu -o "$out" || finish
check "the target's own sums hold" stop_target
handler=$(awk "BEGIN { print $(truth handler_work) / $(truth process_cpu) }")
check_number "handler's share" "($(proof cum "$out" handler_work) - $handler)^2 <= 0.06^2"
check_number "the handler's stacks go on to main" \
	"$(proof stacks "$out" | awk -F'\t' '
		$3 ~ /handler_work/ { n++; ok += $3 ~ /on_timer.*main/ }
		END { print n ? ok / n : 0 }') >= 0.99"
finish
