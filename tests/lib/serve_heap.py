#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""heap and allocs of a server, of the target "heap_steps".

serve_heap.py steps URL TARGET OUTPUT    what it allocates, step by step; its end
serve_heap.py held URL SERVER TARGET     refused while it is stopped; as before, afterwards
serve_heap.py turns URL                  of "heap_steps turns": what lives for less than a look at it takes
serve_heap.py rotated FOLDER RUN TARGET OUTPUT   not served: the files of -profile heap -every
"""
import hashlib
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile

import proof
from heap_steps import RATE, TYPES, by_place, judge, lost, step, truths
from served import PPROF, Served, is_equal, is_sane, is_true, main, until

# --- steps --------------------------------------------------------------------------------------

def judge_text(served, binary):
    """pprof makes of the text what the file has."""
    answer = served.get(PPROF + "heap?debug=1")
    text = answer.body.decode()
    head = re.match(r"heap profile: (\d+): (\d+) \[(\d+): (\d+)\] @ heap/2\n", text)
    is_true("debug=1: Go's first line", head, text.split("\n")[0])
    is_true("debug=1: names its places", all(place in text for place in ("step_grows", "step_churns")))
    if not shutil.which("go"):
        print("no go: nobody reads the text")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text")
        open(path, "w").write(text)
        done = subprocess.run(["go", "tool", "pprof", "-symbolize=none", "-proto", "-output", path + ".pb", path],
                              capture_output=True, env=dict(os.environ, PPROF_TMPDIR=folder))
        if not is_true("debug=1: pprof reads it", done.returncode == 0, done.stderr.decode()[-200:]):
            return
        read = proof.Profile(path + ".pb")
    is_equal("debug=1: types, as pprof reads them", TYPES, read.types)
    is_equal("debug=1: sums, as pprof reads them", sums(binary), sums(read))
    is_equal("debug=1: sums of the first line", sums(binary), [int(head[i]) for i in (3, 4, 1, 2)])


def sums(profile):
    return [sum(s.values[i] for s in profile.samples) for i in range(4)]


def judge_end(served, target, path, last):
    os.kill(int(target), signal.SIGKILL)
    until("its end is seen", lambda: served.metric("target_up") == 0)
    after = until("an answer after its end", lambda: served.get(PPROF + "heap").status == 200) and \
        served.profile("heap")
    if after:
        is_equal("its last state, after its end", sums(last), sums(after))
    is_equal("others, after its end", [503, 503, 503],
             [served.get(PPROF + name).status for name in ("profile?seconds=1", "threads", "heap?seconds=1")])
    is_equal("for the page", 200, served.get("/api/view?kind=allocs").status)


def steps(url, target, path):
    served = Served(url)
    is_equal("nothing is in before anybody asks", 0, served.metric("heap_probe_up"))
    first = served.profile("heap?gc=1")
    is_equal("at first it is in, and knows little", [1, True],
             [served.metric("heap_probe_up"), first is not None and sums(first)[0] < 1000])
    step(target, path)
    now = served.profile("heap"), served.profile("allocs?gc=1")
    truth = truths(path)
    dropped = served.metric("heap_samples_dropped_total") + served.metric("heap_samples_lost_total")
    for name, profile in zip(("heap", "allocs"), now):
        judge(name, [profile], truth[1], {}, dropped)
        is_sane(name, profile)
        is_equal(name + ": no duration, a period", [0, int(RATE)], [profile.duration, profile.period])
    # Several at once share it, and others go on beside it.
    windows = [served.window(path) for path in ("heap?seconds=1", "allocs?seconds=1", "profile?seconds=1",
                                                "wall?seconds=1", "threads")]
    until("both have begun", lambda: served.metric("windows") >= 4)
    served.get(PPROF + "heap")  # a mark, behind which both are open
    step(target, path)
    is_equal("all are answered", [200] * 5, [window.status() for window in windows])
    truth = truths(path)
    dropped = served.metric("heap_samples_dropped_total") + served.metric("heap_samples_lost_total")
    for window in windows[:2]:
        delta = window.profile()
        judge(window.path, [delta], truth[2], truth[1], dropped)
        is_true(window.path + ": its time", 0.9e9 < delta.duration < 5e9, delta.duration)
    is_true("some frees are less than nothing", sums(windows[0].profile())[2] < 0 or
            any(s.values[2] < 0 for s in windows[0].profile().samples))
    for i in range(3):
        step(target, path)
    last = served.profile("heap")
    judge("heap, after five steps", [last], truths(path)[5], {}, dropped + 1)
    judge_text(served, last)
    judge_end(served, target, path, last)


# --- a process that cannot be attached to; as it was --------------------------------------------

def what(pid):
    """All that must be the same before and after: code, mappings, descriptors, signals."""
    found = []
    with open("/proc/%s/mem" % pid, "rb") as memory:
        for line in open("/proc/%s/maps" % pid):
            m = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if "x" in m[3] and m[4] != "[vsyscall]":
                memory.seek(int(m[1], 16))
                code = memory.read(int(m[2], 16) - int(m[1], 16))
                found.append((m[1], m[2], m[3], hashlib.sha256(code).hexdigest()))
            elif m[4].startswith("/"):
                found.append(m.groups())
    found.append(sorted(os.listdir("/proc/%s/fd" % pid)))
    found += [line for line in open("/proc/%s/status" % pid) if line.startswith(("SigP", "SigB", "SigI", "SigC", "Shd"))]
    return found


def state(pid):
    try:
        return open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def held(url, server, target):
    served = Served(url)
    before = what(target)
    os.kill(int(target), signal.SIGSTOP)
    until("it has stopped", lambda: state(target) == "T")
    answer = served.get(PPROF + "heap")
    is_equal("stopped: refused, as Go refuses", [503, "1", True],
             [answer.status, answer.header("X-Go-Pprof"), b"stopped by job control" in answer.body])
    is_equal("stopped: one line", 1, answer.body.count(b"\n"))
    is_equal("stopped: other kinds", 200, served.get(PPROF + "threads").status)
    os.kill(int(target), signal.SIGCONT)
    is_equal("it goes on: heap", 200, served.get(PPROF + "heap").status)
    is_true("the probe is in it", "cpprof-probe" in open("/proc/%s/maps" % target).read())
    waits = served.window("heap?seconds=30")
    until("it has begun", lambda: served.metric("windows") >= 1)
    served.get(PPROF + "allocs")
    os.kill(int(server), signal.SIGINT)
    is_equal("Ctrl-C: who waits gets what there is", 200, waits.status())
    until("the server has ended", lambda: state(server) == "Z")
    after = what(target)
    is_true("as it was before", after == before, [line for line in after if line not in before])


# --- what does not live long --------------------------------------------------------------------

def turns(url):
    served = Served(url)
    served.get(PPROF + "heap")
    found, dropped, unknown = [], served.metric("heap_samples_dropped_total"), 0
    for _ in range(30):
        alive = by_place(served.profile("heap"))["step_turns"]["inuse_objects"]
        before, dropped = dropped, served.metric("heap_samples_dropped_total")
        unknown += served.metric("heap_samples_unknown")
        # Where samples are dropped it is the new ones, of which some are alive.
        if dropped == before:
            found.append(alive)
    is_equal("all that is alive is known", 0, unknown)
    p = -math.expm1(-500 / 65536)
    sigma = math.sqrt(500 * (1 - p) / p / max(len(found), 1))
    mean = sum(found) / max(len(found), 1)
    is_true("500 at any time, on average", abs(mean - 500) <= 4 * sigma + 1,
            "%.0f +- %.0f in %d looks" % (mean, sigma, len(found)))


# --- files one after the other ------------------------------------------------------------------

def files(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".pb.gz"))


def rotated(folder, run, target, path):
    until("the probe is in it", lambda: "cpprof-probe" in open("/proc/%s/maps" % target).read())
    step(target, path)
    until("a file", lambda: files(folder))
    step(target, path)
    os.kill(int(run), signal.SIGINT)
    until("the run is over", lambda: "cpprof-probe" not in open("/proc/%s/maps" % target).read())
    until("the last file", lambda: "next  " in open(folder + "/../rotated.err").read())
    found = [proof.Profile(os.path.join(folder, name)) for name in files(folder)]
    is_true("several files", len(found) > 1, len(found))
    judge("the last file has all since the begin", found[-1:], truths(path)[2], {},
          lost(open(folder + "/../rotated.err").read()))
    all_sums = [sums(profile)[:2] for profile in found]
    is_true("each file has what the one before has, and more", sorted(all_sums) == all_sums, all_sums)
    is_equal("each is of its moment", [0] * len(found), [profile.duration for profile in found])
    is_true("one after the other", all(a.time < b.time for a, b in zip(found, found[1:])))


main({"steps": steps, "held": held, "rotated": rotated, "turns": turns})
