#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A day's worth of captures and more through session and worker at full speed: how the memory of each
# process grows, in MiB per million captures. Arguments: CAPTURES RECORDING (made here unless given).
. "$(dirname "$0")/lib.sh"
need python3
captures=${1:-2000000} recording=${2:-$WORK/short.raw}
SOAK=${SOAK:-$PWD/bench/soak}
[ -x "$SOAK" ] || skip_all "no $SOAK (make bench/soak)"

if [ ! -f "$recording" ]; then
	start_target mix 0 30 4
	profile_ok "record" -p "$TARGET" -seconds 5 -hz 200 -save-raw "$recording" -o "$WORK/"
	stop_target
fi
echo 0 >"$WORK/done"
"$SOAK" "$recording" "$captures" "$WORK/done" |
	"$CPPROF" -replay - -profile cpu -o "$WORK/soak.pb.gz" >"$WORK/run.out" 2>"$WORK/run.err" &
profiler=$!
started+=("$profiler")
begin=$(date +%s)
children() { cat /proc/"$1"/task/*/children 2>/dev/null; }
while kill -0 $profiler 2>/dev/null && [ "$(state_of $profiler)" != Z ]; do
	now=$(tr -d ' ' <"$WORK/done")
	for p in $profiler $(children $profiler); do
		awk -v at="$now" 'FILENAME ~ /comm$/ { name = $1 } $1 == "VmRSS:" { rss = $2 }
			$1 == "RssAnon:" { anon = $2 } END { if (rss) print name, at, rss, anon }' \
			/proc/"$p"/comm /proc/"$p"/status 2>/dev/null
	done >>"$WORK/rss"
	sleep 0.5
done
wait $profiler
status=$?
seconds=$(($(date +%s) - begin))
printf 'captures %s, %s s, exit %s, in the profile %s\n' "$captures" "$seconds" "$status" \
	"$(sed -nE 's/^samples +([0-9]+) .*/\1/p' "$WORK/run.err")"
# Least squares from a quarter on, when all is warm, to the end of the input: naming comes after it.
python3 - "$WORK/rss" "$captures" <<-'PY'
	import sys
	rows, most = {}, int(sys.argv[2])
	for line in open(sys.argv[1]):
	    name, at, rss, anon = line.split()
	    rows.setdefault(name, []).append((int(at), int(rss), int(anon)))
	def slope(points):
	    n = len(points)
	    if n < 3: return float("nan")
	    mx, my = (sum(p[k] for p in points) / n for k in (0, 1))
	    below = sum((x - mx) ** 2 for x, _ in points)
	    return sum((x - mx) * (y - my) for x, y in points) / below if below else float("nan")
	print("%-16s %8s %10s %10s %16s %16s" % ("process", "looks", "first MiB", "last MiB", "RSS MiB/10^6", "anon MiB/10^6"))
	for name, v in rows.items():
	    warm = [r for r in v if most / 4 <= r[0] < most]
	    if not warm: continue
	    print("%-16s %8d %10.1f %10.1f %16.3f %16.3f" % (name, len(warm), warm[0][1] / 1024, warm[-1][1] / 1024,
	        slope([(r[0], r[1]) for r in warm]) * 1e6 / 1024, slope([(r[0], r[2]) for r in warm]) * 1e6 / 1024))
PY
grep -E '^(restarts|trouble|table|stacks)' "$WORK/run.err"
[ $status = 0 ]
