#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# speedscope's JSON says what the pprof file of the same recording says: the same stacks with the same
# values, for all threads and for each.
. "$(dirname "$0")/../lib/harness.sh"
need python3

start_target states
profile_ok "recording" -p "$TARGET" -seconds 2 -profile wall,threads -save-raw "$WORK/s.raw" -o "$WORK/" || finish
stop_target
for kind in wall threads; do
	profile_ok "$kind: pprof" -replay "$WORK/s.raw" -profile $kind -o "$WORK/$kind.pb.gz"
	profile_ok "$kind: speedscope by the file's ending" -replay "$WORK/s.raw" -profile $kind -o "$WORK/$kind.speedscope.json"
	proof stacks "$WORK/$kind.pb.gz" >"$WORK/$kind.stacks"
	check "$kind: the same stacks, for all threads and for each" python3 - "$WORK/$kind.speedscope.json" "$WORK/$kind.stacks" <<-'PY'
		import collections, json, re, sys
		d = json.load(open(sys.argv[1]))
		assert d["$schema"] == "https://www.speedscope.app/file-format-schema.json"
		frames = [f["name"] for f in d["shared"]["frames"]]
		def stacks(p):
		    assert p["type"] == "sampled" and p["startValue"] == 0
		    assert len(p["samples"]) == len(p["weights"]) and sum(p["weights"]) == p["endValue"]
		    out = collections.Counter()
		    for s, w in zip(p["samples"], p["weights"]):
		        out[";".join(frames[f] for f in reversed(s))] += w
		    return out
		truth, of_thread = collections.Counter(), collections.defaultdict(collections.Counter)
		for line in open(sys.argv[2]):
		    values, tid, names = line.rstrip("\n").split("\t")
		    truth[names] += int(values.split()[-1])
		    of_thread[tid][names] += int(values.split()[-1])
		assert stacks(d["profiles"][0]) == truth, (stacks(d["profiles"][0]), truth)
		assert len(d["profiles"]) == 1 + len(of_thread) == 6
		for p in d["profiles"][1:]:
		    tid = re.search(r"\((\d+)\)$", p["name"]).group(1)
		    assert stacks(p) == of_thread[tid], p["name"]
		print(len(truth), "stacks")
	PY
done
check_refused "-dump -format speedscope"
finish
