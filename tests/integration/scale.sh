#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Thousands of threads of which three work; threads that come and go by the hundred; the highest
# rate. The sums hold, who sleeps is not disturbed, and what was missed is said.
#
#   THREADS (5000)    SECONDS_EACH (4)
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${SECONDS_EACH:-4} threads=${THREADS:-5000}
out=$WORK/scale.pb.gz

crowd() # HZ
{
	start_target crowd 0 "$threads"
	check_equal "crowd: threads" "$threads" "$(ls /proc/"$TARGET"/task | wc -l)"
	# Few descriptors to begin with: the limit has to be raised.
	(ulimit -Sn 256 && exec "$CPPROF" -p "$TARGET" -seconds "$seconds" -hz "$1" -max-stop 100 -profile cpu -o "$out") \
		>"$WORK/run.out" 2>"$WORK/run.err" </dev/null
	check_equal "crowd: exit" 0 $?
	check_unharmed "$TARGET" "crowd"
	check_balance "crowd" "$out"
	stop_target
	check_equal "crowd: sleepers disturbed" 0 "$(truth disturbed)"
	for share in 60 30 10; do
		found=$(proof cum "$out" crowd_$share)
		check_number "crowd: crowd_$share" "$found > 0.9 * 0.$share && $found < 1.1 * 0.$share"
	done
	check_number "crowd: samples" "$(proof samples "$out") >= 0.4 * $1 * $(summary 'by the process clock')"
}

# 170 a second where there is CPU for it; each lives five ticks. What it used after its last tick is
# not seen.
churn()
{
	start_target threads_churn 0 2 5000 6500
	profile_ok "churn" -p "$TARGET" -seconds "$seconds" -hz 1000 -max-stop 100 -profile cpu -o "$out"
	stop_target
	check_number "churn: threads" "$(truth created) >= 10 * $seconds"
	check_balance "churn" "$out" 0.4
	check_number "churn: its code, of what was seen" "$(proof cum "$out" churn_work) >= 0.9 * (1 - $(proof unsampled "$out"))"
}

# Each lives less than a tick: those that a tick meets are sampled in that tick, and stand for the
# others. Not those that waited for a CPU then, or were over before their stop, which are counted.
short_lives()
{
	local met

	start_target threads_churn 0 1 1500 3000
	profile -p "$TARGET" -seconds "$seconds" -hz 100 -max-stop 100 -profile cpu -o "$out"
	stop_target
	check_number "short lives: exit" "$STATUS == 0 || $STATUS == 4"
	met=$(sed -nE 's/^samples +([0-9]+) .*/\1/p; s/.*not sampled: ([0-9]+) .*, ([0-9]+) not their turn.*/\1 + \2/p' "$WORK/run.err" |
		paste -sd' ' | awk '{ print ($1 > 0) ? $1 / ($1 + $2 + $4) : 0 }')
	check_number "short lives: some are met" "$met > 0.1"
	check_balance "short lives" "$out" "1 - 0.75 * $met"
	check_number "short lives: their code" "$(proof cum "$out" churn_work) > 0.7 * $met"
}

# Over before they can be stopped. 120 ticks can meet 120 of some 6 000 threads at the most, so the time
# of nearly all of them is that of threads nobody saw, and is said; how much of it the few that were
# caught stand for is chance.
shortest_lives()
{
	start_target threads_churn 0 1 50 1000
	profile -p "$TARGET" -seconds "$seconds" -hz 20 -max-stop 100 -profile cpu -o "$out"
	stop_target
	check_number "shortest lives: exit" "$STATUS == 0 || $STATUS == 4"
	check_balance "shortest lives" "$out" 1
	check_number "shortest lives: said" "$(sed -nE 's/^CPU .*; ([0-9.]+)s of threads that ended unseen.*/\1/p' "$WORK/run.err" | grep . || echo 0) > 0.3 * $(summary 'by the process clock')"
}

fast()
{
	start_target shares
	profile_ok "10000 Hz" -p "$TARGET" -seconds "$seconds" -hz 10000 -max-stop 100 -profile cpu -o "$out"
	stop_target
	for share in 40 25 20 10 05; do
		# Neighbouring samples fall into one slice of work, so four sigma do not hold.
		found=$(proof share "$out" share_$share)
		check_number "10000 Hz: share_$share" "$found > 0.$share - 0.02 && $found < 0.$share + 0.02"
	done
	check_balance "10000 Hz" "$out"
	# Ticks taken and ticks missed are all there were.
	ticks=$(($(summary ticks) + $(sed -nE 's/.*\(([0-9]+) missed.*/\1/p' "$WORK/run.err")))
	check_number "10000 Hz: ticks" "$ticks > 9700 * $seconds && $ticks < 10300 * $seconds"
	check_number "10000 Hz: the rate that was reached" "$(summary 'Hz of 10000 asked') > 0"
}

crowd 100
churn
short_lives
shortest_lives
fast
finish
