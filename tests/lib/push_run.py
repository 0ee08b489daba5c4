#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What push_server.py has kept, against the account of the target.

push_run.py windows FOLDER OUTPUT LEAST     "turns": no time between the windows, no CPU time lost
push_run.py kinds FOLDER KIND...            each window has one of each, of the same time
push_run.py steps FOLDER PID OUTPUT         has "heap_steps" do something, and ends it
push_run.py heap FOLDER OUTPUT              then: what came in the windows, and what is alive
push_run.py beside URL PID OUTPUT           windows of clients while others are pushed
"""
import glob
import os
import signal
import time
from collections import defaultdict

import proof
from heap_steps import ALLOCATED, IN_USE, judge, lost, step, truths
from served import Served, Turns, is_equal, is_sane, is_true, judge_turns, main, stop_and_read, until


def kept(folder, kind="process_cpu"):
    """By store: profiles by time."""
    found = defaultdict(list)
    for path in sorted(glob.glob(os.path.join(folder, "*.pb.gz"))):
        _, store, name = os.path.basename(path)[:-len(".pb.gz")].split(".")
        if name == kind:
            found[store].append(proof.Profile(path))
    return {store: sorted(v, key=lambda p: p.time) for store, v in found.items()}


def judge_windows(folder, output, least):
    turns, stores = Turns(output), kept(folder)
    for store, profiles in stores.items():
        is_true(store + ": windows", len(profiles) >= least, len(profiles))
        gaps = [b.time - a.time - a.duration for a, b in zip(profiles, profiles[1:])]
        is_true(store + ": one follows the other", max(map(abs, gaps), default=0) < 5e6, [g / 1e6 for g in gaps])
        # The names of one are read before the next one ends, for as long as a profiler without a CPU takes.
        for i, profile in enumerate(profiles[:-1]):
            is_true("%s, window %d: its length" % (store, i + 1), 1 <= profile.duration / 1e9 < 4.5, profile.duration / 1e9)
        for i, profile in enumerate(profiles):
            is_sane("%s, window %d" % (store, i + 1), profile)
            judge_turns("%s, window %d" % (store, i + 1), profile, turns)
        first, last = profiles[0], profiles[-1]
        low, high = turns.bounds(first.time, last.time + last.duration)
        all_of_it = sum(s.values[1] for p in profiles for s in p.samples)
        is_true(store + ": all CPU time", 0.99 * low <= all_of_it <= 1.01 * high + 2e6,
                "%.3f s of %.3f" % (all_of_it / 1e9, high / 1e9))
        is_true(store + ": until the target's last word", last.time + last.duration >= turns.at[-1] - 1e6)
    times = [[p.time for p in profiles] for profiles in stores.values()]
    is_true("each store has each window", len(times) >= 1 and all(t == times[0] for t in times))


def windows(folder, output, least):
    judge_windows(folder, output, int(least))


def kinds(folder, *names):
    times = {name: [p.time for p in next(iter(kept(folder, name).values()), [])] for name in names}
    for name in names[1:]:
        is_true("%s: as many windows as %s, of the same times" % (name, names[0]),
                times[name] and times[name] == times[names[0]], (len(times[name]), len(times[names[0]])))


def memory(folder, types):
    return {store: [p for p in v if p.types == types] for store, v in kept(folder, "memory").items()}


def steps(folder, pid, output):
    def is_told():
        found = memory(folder, IN_USE)
        return len(found) == 2 and all(v and v[-1].time > now for v in found.values())

    now = 0
    until("the probe is in", is_told)
    for _ in range(3):
        step(pid, output)
        time.sleep(0.7)
    now = time.time_ns()
    until("all that it did is told", is_told)
    os.kill(int(pid), signal.SIGTERM)


def heap(folder, output):
    truth = truths(output)[-1]
    for store in "parca", "pyroscope":
        alive, came = memory(folder, IN_USE)[store], memory(folder, ALLOCATED)[store]
        missing = lost("\n".join(came[-1].comments))
        judge(store + ": in use, in the last window", alive[-1:], truth, {}, missing, IN_USE)
        judge(store + ": allocated, in all windows", came, truth, {}, missing, ALLOCATED)
        sums = [sum(s.values[1] for s in p.samples) for p in came]
        is_true(store + ": what is in one window is not in another", max(sums) < 0.9 * sum(sums), sums)
        is_equal(store + ": in use has no duration", {0}, {p.duration for p in alive})
        gaps = [b.time - a.time - a.duration for a, b in zip(came, came[1:])]
        is_true(store + ": one window follows the other", max(map(abs, gaps)) < 5e6, [g / 1e6 for g in gaps])
        for i, profile in enumerate(alive + came):
            is_sane("%s, heap %d" % (store, i + 1), profile)


def beside(url, pid, output):
    served = Served(url)
    asked = [served.window("profile?seconds=%d" % n, after) for n, after in ((1, 0.3), (2, 0.7), (1, 1.9))]
    moments = [served.window("threads", 0.2 * i) for i in range(10)]
    for window in asked + moments:
        window.join()
    stop_and_read(pid, output)
    for i, window in enumerate(asked):
        judge_turns("a client's window %d" % (i + 1), window.profile(), Turns(output))
    is_equal("threads meanwhile", {200}, {window.status() for window in moments})


main({"windows": windows, "kinds": kinds, "steps": steps, "heap": heap, "beside": beside})
