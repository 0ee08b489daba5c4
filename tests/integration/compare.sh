#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -compare of real runs: of a program whose places allocate known amounts, and whose functions take
# known shares of the CPU, each changed from one run to the other, or in one run. And files that are no profiles.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/heap.sh"
need python3
RATE=16384

# go KEY: the target allocates what it has to, and then says that
go()
{
	local i

	kill -USR1 "$TARGET"
	for ((i = 0; i < 1000; i++)); do
		[ "$(truth "$1")" ] && break
		sleep 0.02
	done
}

# begin_heap NAME GROWN SHRUNK ARG...: a run that allocates so many MiB, with the probe in it
begin_heap()
{
	local name=$1

	start_target grows "$2" "$3"
	shift 3
	: >"$WORK/run.err"
	"$CPPROF" -p "$TARGET" -profile heap -heap-rate $RATE "$@" >"$WORK/run.out" 2>"$WORK/run.err" &
	run=$!
	check "$name: the probe goes in" armed
	go done
}

end_heap() # NAME
{
	kill -INT $run
	wait $run
	check_equal "$1: heap" 0 $?
	check_no_report
	check_equal "$1: nothing lost" 0 "$(sed -n 's/.*lost: \([0-9]*\) for want of room.*/\1/p' "$WORK/run.err" | grep -v '^0$' || echo 0)"
	cp "$TARGET_OUT" "$WORK/$1.truth"
	stop_target
}

# heap_of NAME GROWN SHRUNK: NAME.heap.pb.gz
heap_of()
{
	begin_heap "$@" -seconds 0 -o "$WORK/$1.heap.pb.gz"
	end_heap "$1"
}

# cpu_of NAME PCT SECONDS: NAME.cpu.pb.gz of a run in which cpu_grown has that share
cpu_of()
{
	start_target grows 0 0 "$2"
	go done
	profile_some "$1: cpu" -p "$TARGET" -profile cpu -hz 500 -max-stop 100% -seconds "$3" -o "$WORK/$1.cpu.pb.gz"
	stop_target
}

# compare STATUS WHAT ARG...
compare()
{
	local status=$1 what=$2

	shift 2
	profile -compare "$@"
	check_equal "$what: exit" "$status" "$STATUS"
}

says() { check "says: $1" grep -q -- "$1" "$WORK/run.out"; }

heap_of old 2 6

# every: the files of the run that goes on, oldest first
every() { find "$WORK/every" -name "*.pb.gz" | sort; }

mkdir "$WORK/every"
begin_heap same 2 6 -every 1s -o "$WORK/every/"
files=$(every | wc -l)
for ((i = 0; i < 500; i++)); do
	[ "$(every | wc -l)" -ge $((files + 2)) ] && break
	sleep 0.02
done
cp "$(every | tail -1)" "$WORK/same.heap.pb.gz"
go leaked
end_heap same
cp "$(every | tail -1)" "$WORK/leaked.heap.pb.gz"
heap_of new 6 2
cd "$WORK" || exit 1

compare 0 "the same, heap" old.heap.pb.gz same.heap.pb.gz -fail-over 0
says "No regression"
says "^Sites: 0 of 3 differ significantly"
# A MiB more, 64 samples, beside 16 that stay: 8 errors, for these are known to be the same ones.
compare 5 "a leak in one run" same.heap.pb.gz leaked.heap.pb.gz -fail-over 3
says "^Both are of one run"
says "^Sites: 1 of 3 differ significantly"
says "^Regression: grown grew by"
compare 0 "grown, only shown" old.heap.pb.gz new.heap.pb.gz
says "^Sites: 2 of 3 differ significantly"
says "^Type: inuse_space$"
compare 5 "grown" old.heap.pb.gz new.heap.pb.gz -fail-over=10%
says "^Regression: grown grew by .*more than 10%"
compare 0 "grown by less than what is asked" old.heap.pb.gz new.heap.pb.gz -fail-over 60
compare 5 "JSON" old.heap.pb.gz new.heap.pb.gz -fail-over 10 -format json
cp run.out new.json
check "each place within 4 errors of the truth, and its error what it should be" python3 - <<-PY
	import json, math
	def truth(name):
	    return {l.split()[1]: int(l.split()[2]) for l in open(name) if l.startswith("truth ")}
	old, new = truth("old.truth"), truth("new.truth")
	found = json.load(open("new.json"))
	assert found["regression"]["function"] == "grown", found["regression"]
	sites = {s["function"]: s for s in found["sites"]}
	assert set(sites) == {"steady", "grown", "shrunk"}, sites
	for name, s in sites.items():
	    sigma = math.sqrt($RATE * (old[name] + new[name]))
	    assert s["file"] == "grows.c" and s["line"] > 0, s
	    assert abs(s["difference"] - (new[name] - old[name])) <= 4 * sigma, s
	    assert 0.8 < s["standard_error"] / sigma < 1.25, (s, sigma)
	    assert s["significant"] == (name != "steady"), s
PY

cpu_of old 5 1
cpu_of new 90 1
compare 5 "CPU" old.cpu.pb.gz new.cpu.pb.gz -fail-over 10
says "^Type: cpu, per second"
says "^Regression: cpu_grown grew by"
compare 0 "with itself" old.cpu.pb.gz old.cpu.pb.gz -fail-over 0

refused() # STATUS WORDS ARG...
{
	local status=$1 words=$2

	shift 2
	compare "$status" "$*" "$@"
	check "says: $words" grep -q -- "$words" run.err
	check_equal "$*: lines" "1 0" "$(wc -l <run.err) $(wc -l <run.out)"
}
head -c 300 old.heap.pb.gz >cut.pb.gz
echo "no profile" >text
: >empty
refused 1 "gone.pb.gz: cannot read: No such file" old.heap.pb.gz gone.pb.gz
refused 1 "cut.pb.gz: damaged gzip data" cut.pb.gz old.heap.pb.gz
refused 1 "text: not a pprof profile" old.heap.pb.gz text
refused 1 "empty: empty" empty old.heap.pb.gz
refused 2 "old.heap.pb.gz is of inuse_space/bytes, old.cpu.pb.gz of cpu/nanoseconds" old.heap.pb.gz old.cpu.pb.gz
finish
