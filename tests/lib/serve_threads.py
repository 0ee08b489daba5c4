#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads and what they create, of a server, against targets whose threads are known.

serve_threads.py pids URL                    prints the processes that there are
serve_threads.py states URL PID              "states"
serve_threads.py guests URL PID OUTPUT       "guests": who came and who went, and who created them
serve_threads.py still URL PID               "deadlock": texts and profiles say the same
serve_threads.py command URL PID             /cmdline is what /proc/PID/cmdline is
serve_threads.py goroutines URL PID          "goroutines.go"
"""
import json
import os
import re
import signal
import time
from collections import Counter

import proof
from served import PPROF, Served, is_equal, is_sane, is_true, main, until


def by_function(profile, functions, at=0):
    """Sums of the samples whose stack has that function."""
    return {f: sum(s.values[at] for s in profile.samples if f in map(proof.plain, s.all_names()))
            for f in functions}


def tids_of(pid):
    return sorted(int(tid) for tid in os.listdir("/proc/%s/task" % pid))


def is_each_once(what, profile, pid):
    is_equal(what + ": each thread once", tids_of(pid),
             sorted(s.labels.get("tid") for s in profile.samples for _ in range(s.values[0])))
    is_equal(what + ": of no time", 0, profile.duration)
    is_sane(what, profile)


def states(url, pid):
    served = Served(url)
    for name in "threads", "goroutine":
        profile = served.profile(name)
        is_each_once(name, profile, pid)
        found = {s.labels.get("thread_name"): s.labels.get("state") for s in profile.samples}
        is_equal(name + ": states", ("sleeping", "disk", True),
                 (found.get("sleeper"), found.get("vforker"), found.get("spinner") in ("running", "runnable")))
    # Many at once are one look each, or one for all: each is whole.
    windows = [served.window("threads") for _ in range(20)]
    counts = Counter(sum(s.values[0] for s in w.profile().samples) for w in windows)
    is_equal("twenty at once: threads", {len(tids_of(pid)): 20}, dict(counts))


# --- who came and who went --------------------------------------------------------------------

GUESTS = ("stays_here", "leaves_soon", "comes_late")


class Guests:
    def __init__(self, pid, output):
        self.pid, self.output, self.n = int(pid), output, 0

    def change(self):
        self.n += 1
        os.kill(self.pid, signal.SIGUSR1)
        until("the target's change", lambda: "done %d\n" % self.n in open(self.output).read())


def deltas(served, pid, target):
    paths = ("threads?seconds=1", "goroutine?seconds=1", "/pid/%s%sthreads?seconds=1" % (pid, PPROF))
    windows = [served.window(path) for path in paths]
    until("windows open", lambda: served.metric("windows") == 3)
    time.sleep(0.2)
    before = set(tids_of(pid))
    target.change()
    now = set(tids_of(pid))
    for path, window in zip(paths, windows):
        profile = window.profile()
        if not profile:
            continue
        is_equal(path + ": came and went", {"stays_here": 0, "leaves_soon": -3, "comes_late": 4},
                 by_function(profile, GUESTS))
        is_equal(path + ": only these", {**{tid: 1 for tid in now - before}, **{tid: -1 for tid in before - now}},
                 {s.labels.get("tid"): s.values[0] for s in profile.samples})
        is_true(path + ": its length", profile.duration >= 1e9, profile.duration / 1e9)
    # Nobody comes and nobody goes.
    is_equal("nothing changed", [], [(s.values, s.all_names()) for s in served.profile("threads?seconds=1").samples])


def at_once(served, target):
    for _ in range(3):
        target.change()
        is_each_once("just after a change", served.profile("threads"), target.pid)


def creations(served, target):
    """Nothing but what the windows asked for is counted."""
    created = ("let_in",)
    is_equal("before: threadcreate", 0, sum(s.values[0] for s in served.profile("threadcreate").samples))
    target.change()
    counted = 0
    for changes in 1, 2:
        window = served.window("threadcreate?seconds=1")
        until("threads attached to", lambda: tracers_of(target.pid) == {True})
        for _ in range(changes):
            target.change()
        profile = window.profile()
        counted += 4 * changes
        is_sane("threadcreate", profile)
        is_equal("threadcreate?seconds=1", {"let_in": 4 * changes}, by_function(profile, created))
        is_equal("threadcreate?seconds=1: all", 4 * changes, sum(s.values[0] for s in profile.samples))
        until("threads let go", lambda: tracers_of(target.pid) == {False})
        target.change()
        is_equal("threadcreate", counted, sum(s.values[0] for s in served.profile("threadcreate").samples))


def tracers_of(pid):
    """Whether each of its threads has a tracer: both, while they are being attached to."""
    found = set()
    for tid in tids_of(pid):
        with open("/proc/%s/task/%s/status" % (pid, tid)) as lines:
            found |= {line.split()[1] != "0" for line in lines if line.startswith("TracerPid")}
    return found


def goes_alone(served, target):
    """threadcreate stays attached: others wait for it, or are told when to come again."""
    window = served.window("threadcreate?seconds=2")
    until("threads attached to", lambda: tracers_of(target.pid) == {True})
    waits = served.window("wall?seconds=1", 0.3)
    counters = served.profile("block")
    is_true("counters do not wait", window.answer is None and counters is not None)
    target.change()
    is_equal("with one that waits", {"let_in": 4}, by_function(window.profile(), ("let_in",)))
    wall = waits.profile()
    end = window.profile().time  # of a difference that is its end, as Go has it
    is_true("the other begins when it has ended", wall and wall.time >= end - 1e6, (wall.time - end) / 1e9)
    is_equal("the other: each thread", len(tids_of(target.pid)),
             len({s.labels.get("tid") for s in wall.samples}))
    is_true("the other: wall time", abs(sum(s.values[1] for s in wall.samples) /
                                        (wall.duration * len(tids_of(target.pid))) - 1) < 0.05)
    for first, second in ("threadcreate?seconds=20", "profile?seconds=1"), ("wall?seconds=20", "threadcreate?seconds=1"):
        window = served.window(first)
        until(first + " open", lambda: served.metric("windows") == 1)
        answer = served.get(PPROF + second)
        is_equal(second + " during " + first, 503, answer.status)
        is_true("when to come again", 15 <= int(answer.header("Retry-After") or 0) <= 21, answer.header("Retry-After"))
        window.hang_up()
        until(first + ": ends with its client", lambda: served.metric("windows") == 0, 5)
        until("threads let go", lambda: tracers_of(target.pid) == {False}, 5)


def guests(url, pid, output):
    served, target = Served(url), Guests(pid, output)
    deltas(served, pid, target)
    at_once(served, target)
    creations(served, target)
    goes_alone(served, target)


# --- texts ------------------------------------------------------------------------------------

def text_rows(text, values):
    """Of a debug=1 text: stacks of addresses to values. The profile's addresses are one less."""
    rows = Counter()
    for line in text.splitlines():
        numbers, at, stack = line.partition(" @ ")
        if at and re.fullmatch(r"[\d ]+", numbers):
            key = tuple(int(word, 16) - 1 for word in stack.split())
            for name, number in zip(values, numbers.split()):
                rows[name, key] += int(number)
    return rows


def profile_rows(profile, values):
    rows = Counter()
    for s in profile.samples:
        key = tuple(profile.locations[n].get(3, 0) for n in s.locations)
        for name in values:
            rows[name, key] += s.values[profile.index(name)]
    return rows


def still(url, pid):
    served = Served(url)
    # Nothing else wakes the server: it has not been asked for anything yet.
    for _ in range(2):
        is_equal("symbol, of no code", b"num_symbols: 1\n", served.get(PPROF + "symbol?0x1234", 5).body)
    for name in "block", "mutex":
        is_true(name + "?seconds=1", served.profile(name + "?seconds=1"))
    for name, values in ("threads", ["thread"]), ("goroutine", ["goroutine"]), \
            ("block", ["delay", "contentions"]), ("mutex", ["delay", "contentions"]):
        profile, answer = served.profile(name), served.get(PPROF + name + "?debug=1")
        rows = profile_rows(profile, values)
        is_true(name + "?debug=1: as the profile", rows and sum(rows.values()) and
                rows == text_rows(answer.body.decode(), values), "%d rows" % len(rows))
    dump = served.get(PPROF + "goroutine?debug=2").body.decode()
    found = sorted(int(tid) for tid in re.findall(r"^thread (\d+) ", dump, re.M))
    is_equal("goroutine?debug=2: each thread", tids_of(pid), found)
    json_dump = served.get("/api/dump").body.decode()
    is_equal("the page's dump: deadlocks", 2, len(json.loads(json_dump).get("deadlocks", [])))


def command(url, pid):
    with open("/proc/%s/cmdline" % pid, "rb") as file:
        expected = file.read().rstrip(b"\0")
    found = Served(url).get(PPROF + "cmdline").body
    is_equal("cmdline", expected, found)


def goroutines(url, pid):
    served = Served(url)
    profile = served.profile("goroutine")
    waits = by_function(profile, ("main.WaitsForMutex", "main.WaitsForGroup", "main.WaitsToSend", "main.Sleeps"))
    is_equal("goroutines", dict.fromkeys(waits, 100), waits)
    is_equal("goroutines: type", [("goroutine", "count")], profile.types)
    rows = text_rows(served.get(PPROF + "goroutine?debug=1").body.decode(), ["goroutine"])
    # Those that run are somewhere else each time.
    same = profile_rows(profile, ["goroutine"])
    is_true("goroutine?debug=1: as the profile", sum((rows & same).values()) >= 990 and
            abs(sum(rows.values()) - sum(same.values())) <= 5, "%d of %d" % (sum((rows & same).values()), sum(rows.values())))
    dump = served.get(PPROF + "goroutine?debug=2").body.decode()
    is_true("goroutine?debug=2", re.search(r"^(goroutine|thread) \d+ ", dump, re.M), dump[:60].splitlines()[0])
    names = {}
    for location in profile.locations.values():
        if location["lines"]:
            names[location[3]] = profile.names(location[1])[-1]
    asked = sorted(names)[:200]
    answer = served.server.get(PPROF + "symbol", method="POST", body="+".join("0x%x" % a for a in asked).encode())
    found = {int(line.split(" ", 1)[0], 16): line.split(" ", 1)[1]
             for line in answer.body.decode().splitlines()[1:]}
    is_equal("symbol: the names of the profile", {a: names[a] for a in asked}, found)
    first = "%x" % asked[0]
    answer = served.get(PPROF + "symbol?0x" + first)
    is_equal("symbol by GET", "num_symbols: 1\n0x%s %s\n" % (first, names[asked[0]]), answer.body.decode())


def pids(url):
    """Prints the processes that have threads."""
    found = {s.labels.get("pid") for s in Served(url).profile("threads").samples}
    if found == {None}:
        found = {process["pid"] for process in json.loads(Served(url).get("/api/target").body)["processes"]}
    print(*sorted(found))


main({"pids": pids, "states": states, "guests": guests, "still": still, "command": command, "goroutines": goroutines})
