#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Block and mutex profiles of a server: with seconds, and as counters that only grow.

serve_counters.py grow URL              a low rate, while windows come and go at the full one
serve_counters.py rate URL PID OUTPUT   "contended": as much as it waited, by its own account
serve_counters.py brought URL           "deadlock", no background: what windows brought, no more
"""
import json
import sys
import time
from collections import Counter

import proof
from served import PPROF, Served, is_equal, is_sane, is_true, main, stop_and_read, until


def rows(profile):
    """By stack and labels: contentions and delay."""
    found = {}
    for s in profile.samples:
        # What stands for a stack that is not known has no address, but a name.
        stack = tuple(profile.locations[n].get(3, 0) or str(profile.names(n)) for n in s.locations)
        key = stack, json.dumps(s.labels, sort_keys=True)
        if key in found:
            is_true("a stack and its labels once", False, key)
        found[key] = s.values
    return found


def sums(profile):
    return [sum(s.values[i] for s in profile.samples) for i in range(2)]


class Growing:
    """Every scrape has all that the one before had, and no less of it."""

    def __init__(self, served, name):
        self.served, self.name, self.last, self.scrapes, self.fallen = served, name, {}, 0, []
        self.first = None

    def scrape(self):
        profile = self.served.profile(self.name)
        now = rows(profile)
        for key, values in self.last.items():
            if any(a > b for a, b in zip(values, now.get(key, (0, 0)))):
                self.fallen.append((values, now.get(key), key[1]))
        self.last, self.scrapes = now, self.scrapes + 1
        self.first = self.first or profile
        return profile


def grow(url):
    served = Served(url)
    growing = [Growing(served, "block"), Growing(served, "mutex")]
    paths = ["block?seconds=1", "profile?seconds=1", "wall?seconds=1", "mutex?seconds=1", "threads", "block?seconds=1"]
    windows = [served.window(path, 0.3 * i) for i, path in enumerate(paths)]
    end = time.monotonic() + 3.2
    while time.monotonic() < end:
        last = [one.scrape() for one in growing]
    for one, profile in zip(growing, last):
        what = "counters of " + one.name
        is_true(what + ": nothing falls", not one.fallen, one.fallen[:3] or "%d scrapes" % one.scrapes)
        is_true(what + ": they grow", sums(one.first)[1] + 2e9 < sums(profile)[1], sums(profile)[1] / 1e9)
        is_equal(what + ": of no time of their own", 0, profile.duration)
        is_equal(what + ": no ids of threads", set(), {s.labels.get("tid") for s in profile.samples} - {None})
        is_sane(what, profile)
    for window in windows:
        is_equal(window.path + " meanwhile", 200, window.status())


def between(first, last, at):
    return sums(last)[at] - sums(first)[at]


def rate(url, pid, output):
    served = Served(url)
    until("counted", lambda: sums(served.profile("block"))[1] > 0)
    first = {name: served.profile(name) for name in ("block", "mutex")}
    windows = {name: served.window(name + "?seconds=3", 0.5) for name in first}
    time.sleep(7)
    last = {name: served.profile(name) for name in first}
    stop_and_read(pid, output, "truth took")
    truth = {words[1]: int(words[2]) for words in map(str.split, open(output)) if words[0] == "truth"}
    for name in first:
        # Three wait at once, most of the time: so many ticks at 50, and those of the window at 500 Hz.
        seconds = (last[name].time - first[name].time) / 1e9
        share = truth["waited"] / truth["took"] / 3
        waited = truth["waited"] / truth["took"] * seconds
        sigma = ((1 - share) / share / (50 * (seconds - 3))) ** 0.5 * (seconds - 3) / seconds
        found = between(first[name], last[name], 1) / 1e9
        is_true("counters of %s: as it waited" % name, abs(found / waited - 1) <= 4 * sigma + 0.02,
                "%.3f s, %.3f s by its own account, sigma %.3f" % (found, waited, sigma))
        window = windows[name].profile()
        of_window = truth["waited"] / truth["took"] * window.duration
        is_true("%s?seconds=3: as it waited" % name, abs(sums(window)[1] / of_window - 1) <= 0.05,
                "%.3f of its own account" % (sums(window)[1] / of_window))
        often = truth["contended"] / truth["took"] * window.duration
        is_true("%s?seconds=3: how often" % name, abs(sums(window)[0] / often - 1) <= 0.1,
                "%d, %.0f by its own account" % (sums(window)[0], often))
    block, mutex = windows["block"].profile(), windows["mutex"].profile()
    is_true("block?seconds=3: who waits", proof.share(block.samples, lambda s: "take_from_stock" in s.all_names()) >= 0.98)
    for which, least in ("hold_70", 0.9), ("hold_30", 0.9):
        # A holder that others keep from the CPUs is shown as that.
        share = truth[which] / truth["waited"]
        found = proof.share(mutex.samples, lambda s: which in s.all_names())
        is_true("mutex?seconds=3: " + which, least * share <= found + proof.share(
            mutex.samples, lambda s: "[not readable: waits for a CPU]" in s.all_names()) and found <= share * 1.1,
            "%.3f, %.3f by its own account" % (found, share))


def brought(url):
    served = Served(url)
    counted = Counter()
    for name in "block", "mutex":
        is_equal(name + " at first", [0, 0], sums(served.profile(name)))
    for _ in range(2):
        windows = {name: served.window(name + "?seconds=1") for name in ("block", "mutex")}
        # Others that begin and end meanwhile are none of theirs.
        for _ in range(3):
            time.sleep(0.15)
            served.profile("threads")
        for name, window in windows.items():
            profile = window.profile()
            counted[name] += sums(profile)[1]
            per_thread = Counter()
            for s in profile.samples:
                per_thread[s.labels.get("tid")] += s.values[0]
            if name == "block":
                is_equal("block?seconds=1: each waits once", {tid: 1 for tid in per_thread}, dict(per_thread))
                is_equal("block?seconds=1: they wait all the time", [],
                         [s.values for s in profile.samples if abs(s.values[1] / profile.duration - 1) > 0.02])
                waiting = len(per_thread)
            counters = served.profile(name)
            is_true("counters of %s: what the windows brought" % name,
                    abs(sums(counters)[1] / counted[name] - 1) < 0.001,
                    "%.3f s, %.3f s" % (sums(counters)[1] / 1e9, counted[name] / 1e9))
            # They wait since the beginning: that is one wait.
            is_equal("counters of %s: waits" % name, waiting, sums(counters)[0])
    def counted_until_now():
        return [rows(served.profile(name)) for name in windows], served.metric('captures_total{profile="block"}')

    before = counted_until_now()
    time.sleep(1.2)
    after = counted_until_now()
    is_true("nothing is counted where nobody asks", before == after)


main({"grow": grow, "rate": rate, "brought": brought})
