#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU profiles of a server, of windows that overlap, against the account of targets "turns".

serve_cpu.py one URL PID OUTPUT
serve_cpu.py two URL PID OUTPUT PID OUTPUT
serve_cpu.py new URL PID OUTPUT         threads come just before the windows

The targets are ended; the server ends with them.
"""
from served import PPROF, Served, Turns, is_equal, is_sane, is_true, judge_turns, main, stop_and_read

# (begins after s, seconds): at once, alone, inside of another, one after the other.
WINDOWS = [(0, 1), (0, 3), (0, 1), (0.3, 2), (0.7, 1), (1.2, 1), (1.25, 2), (2.6, 1)]


def judge_length(what, window, profile, seconds):
    if not profile:
        return
    length = profile.duration / 1e9
    # It ends late where we get no CPU, never early.
    is_true(what + ": its length", seconds <= length <= seconds + 3.5, "%.3f s" % length)
    # The two clocks are read one after the other.
    before, behind = profile.time - window.asked, window.answered - profile.time - profile.duration
    is_true(what + ": from when it was asked for, and until it was answered", before >= -1e6 and behind >= -1e6,
            "%.3f s, %.3f s" % (before / 1e9, behind / 1e9))


def one(url, pid, output):
    served = Served(url)
    windows = [(served.window("profile?seconds=%d" % n, after), after, n) for after, n in WINDOWS]
    # Not answered before the target ends.
    last = served.window("profile?seconds=600", 0.9)
    for window, _, _ in windows:
        window.join()
    stop_and_read(pid, output)
    turns = Turns(output)
    for window, after, n in windows:
        what, profile = "%g s after %g" % (n, after), window.profile()
        judge_length(what, window, profile, n)
        is_sane(what, profile)
        judge_turns(what, profile, turns)
    profile = last.profile()
    judge_turns("when the target ends", profile, turns)
    if profile:
        end = (profile.time + profile.duration) / 1e9
        is_true("when the target ends: all of its time", end >= turns.at[-1] / 1e9 - 0.001,
                "%.3f s behind its last word" % (end - turns.at[-1] / 1e9))


def of_pid(profile, pid):
    return [s for s in profile.samples if s.labels.get("pid") == int(pid)]


def addresses_are_its_own(what, profile, pid, ranges):
    """ranges: of its executable, as its maps have them."""
    mapping = profile.mappings[0]
    found = (mapping.get(2, 0), mapping.get(3, 0))
    is_equal(what + ": the first mapping", ranges, found)
    inside = [ranges[0] <= location.get(3, 0) < ranges[1] for location in profile.locations.values()
              if any(name.startswith("turn_") for name in profile.names(location[1]))]
    is_true(what + ": its own addresses", inside and all(inside), len(inside))
    is_equal(what + ": labels of processes", set(), {s.labels.get("pid") for s in profile.samples} - {None})


def code_of(pid):
    with open("/proc/%s/maps" % pid) as lines:
        for line in lines:
            if "/turns" in line and "x" in line.split()[1]:
                return tuple(int(word, 16) for word in line.split()[0].split("-"))


def two(url, first, first_output, second, second_output):
    served = Served(url)
    pids = first, second
    ranges = [code_of(pid) for pid in pids]
    windows = [[served.window("/pid/%s%sprofile?seconds=%d" % (pid, PPROF, n), after)
                for after, n in ((0, 2), (0.8, 1))] for pid in pids]
    both = [served.window("profile?seconds=2", after) for after in (0, 0.5)]
    for window in both + windows[0] + windows[1]:
        window.join()
    stop_and_read(first, first_output)
    served.metric("windows")  # it goes on with the second one
    # What is asked now sees that the first one is gone.
    is_equal("the one that goes on", 200, served.get("/pid/%s%sthreads" % (second, PPROF)).status)
    is_equal("the one that has ended", 404, served.get("/pid/%s%sthreads" % (first, PPROF)).status)
    is_equal("and is the one that is meant", open("/proc/%s/cmdline" % second, "rb").read().rstrip(b"\0"),
             served.get(PPROF + "cmdline").body)
    code = served.profile("/pid/%s%sthreads" % (second, PPROF)).samples[0]
    address, name = code.profile.locations[code.locations[-1]][3], code.all_names()[-1]
    is_equal("whose code has names", "num_symbols: 1\n0x%x %s\n" % (address, name),
             served.get(PPROF + "symbol?0x%x" % address).body.decode())
    stop_and_read(second, second_output)
    turns = [Turns(first_output), Turns(second_output)]
    for i, pid in enumerate(pids):
        for k, window in enumerate(windows[i]):
            what, profile = "process %d, window %d" % (i + 1, k + 1), window.profile()
            is_sane(what, profile)
            judge_turns(what, profile, turns[i])
            addresses_are_its_own(what, profile, pid, ranges[i])
    for k, window in enumerate(both):
        profile = window.profile()
        if not profile:
            continue
        is_equal("both, window %d: processes" % (k + 1), {int(pid) for pid in pids},
                 {s.labels.get("pid") for s in profile.samples})
        for i, pid in enumerate(pids):
            judge_turns("both, window %d: process %d" % (k + 1, i + 1), profile, turns[i], of_pid(profile, pid))


def new(url, pid, output):
    served = Served(url)
    windows = [served.window("profile?seconds=1", after) for after in (0.2, 1.7, 3.1)]
    for window in windows:
        window.join()
    stop_and_read(pid, output)
    for i, window in enumerate(windows):
        judge_turns("threads that are new, window %d" % (i + 1), window.profile(), Turns(output))


main({"one": one, "two": two, "new": new})
