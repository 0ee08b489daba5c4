#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges a run in which a system call of the profiler's own failed: see faults.sh.

faults.py clock PID                             writes PID's CPU clock down until it ends
faults.py judge DIR STATUS CLOCKS THREADS COMM  a line for each thing that is wrong
"""
import glob
import os
import re
import sys
import time

import proof

SLACK = 20e6  # ns; the clocks of threads go in steps of a scheduler's tick


def record(pid):
    clock = (~pid << 3) | 2  # include/linux/posix-timers.h: CPUCLOCK_SCHED of a process
    try:
        while True:
            print(time.clock_gettime_ns(time.CLOCK_REALTIME), time.clock_gettime_ns(clock),
                  flush=True)
            time.sleep(0.002)
    except OSError:
        pass


def used(clocks, begin, end):
    """CPU time that was used between two moments, at least and at most."""
    inner = [c for t, c in clocks if begin <= t <= end]
    before = [c for t, c in clocks if t <= begin]
    after = [c for t, c in clocks if t >= end]
    if not inner or not before or not after:
        return None
    return inner[-1] - inner[0], after[0] - before[-1]


class Run:
    def __init__(self, folder, status, clocks, threads, comm):
        self.status, self.threads, self.comm = status, threads, comm
        self.err = open(folder + "/stderr", errors="replace").read()
        self.out = open(folder + "/stdout", errors="replace").read()
        self.log = open(folder + "/log", errors="replace").read()
        self.names = os.listdir(folder + "/out")
        self.folder = folder
        self.clocks = clocks
        # Where the kernel itself says that there is no such thread, there is none.
        self.believed = re.search(r"(openat|pread64)\(.*(ENOENT|ESRCH) .*INJECTED", self.log)
        self.wrong = []

    def need(self, condition, text):
        if not condition:
            self.wrong.append(text)

    def figure(self, pattern):
        found = re.search(pattern, self.err)
        return int(found.group(1)) if found else 0

    def profile(self, kind):
        found = glob.glob("%s/out/*.%s.pb.gz" % (self.folder, kind))
        self.need(found, "no %s profile" % kind)
        return proof.Profile(found[0]) if found else None

    def restarts(self):
        for role in ("tracer", "worker"):
            begun = len(re.findall(r'PR_SET_NAME, "%s"' % role, self.log))
            told = self.figure(r"restarts .*%s (\d+)" % role)
            self.need(begun - 1 <= told, "%d %ss, %d restarts told" % (begun, role, told))
            self.restarted = begun > 1 or told
            if self.restarted:
                return

    def ticks(self):
        """One thread always runs, the others never: each tick is a sample, or is counted.

        On a crowded machine it may not have had a CPU since the last tick; so these findings count
        only where they come again."""
        ticks, missed = self.figure(r"at (\d+) ticks"), self.figure(r"\((\d+) missed")
        counted = (self.figure(r"samples +(\d+) at") + self.figure(r"(\d+) lost in the worker")
                   + sum(map(int, re.findall(r"(\d+) [^,;]*", self.line("not sampled:"))))
                   + self.figure(r"(\d+) for want of room"))
        self.need(self.restarted or counted >= ticks, "ticks: %d, %d of them counted" % (ticks, counted))
        due = float(os.environ.get("FAULT_SECONDS", 0.3)) * 200
        self.need(self.restarted or ticks + missed >= due / 2,
                  "ticks: %d of %d" % (ticks + missed, due))

    def line(self, start):
        found = re.search(re.escape(start) + "(.*)", self.err)
        return found.group(1) if found else ""

    def cpu(self, profile):
        at = profile.index("cpu")
        told = sum(s.values[at] for s in profile.samples)
        truth = used(self.clocks, profile.time, profile.time + profile.duration)
        if not truth:
            return
        self.need(told >= truth[0] * 0.99 - SLACK,
                  "%.1f ms in the profile, %.1f used" % (told / 1e6, truth[0] / 1e6))

    def stacks(self, profile, kind):
        told = re.search(r"stacks +%s: ([0-9.]+)%% complete" % kind, self.err)
        names = [n for s in profile.samples if proof.stands_for_samples(s) for n in s.all_names()]
        nameless = [n for n in names if n in ("[%s]" % self.comm,) or n.startswith("0x")]
        excused = re.search(r"^modules |^restarts |brought down|^trouble |the debug file of", self.err, re.M)
        self.need(not nameless or excused, "%s: %d frames without a name"
                  % (kind, len(nameless)))
        if told and not excused:
            found = 100 * proof.complete(profile)
            self.need(found >= float(told.group(1)) - 0.1,
                      "%s: %s %% complete, told %s" % (kind, found, told.group(1)))

    def all_threads(self, profile):
        found = sum(s.values[0] for s in profile.samples)
        lost = self.figure(r"threads: (\d+) threads lost") + self.figure(r"(\d+) of the threads")
        self.need(found + lost >= self.threads,
                  "%d threads, %d in the profile" % (self.threads, found))

    def success(self):
        self.need("Showing" in self.out, "no table on stdout")
        for word in ("samples ", "CPU ", "stops ", "wrote "):
            self.need(word in self.err, "no line '%s' on stderr" % word)
        self.restarts()
        self.need("cannot tell" not in self.err, "a failure is told where there is none")
        cpu, threads = self.profile("cpu"), self.profile("threads")
        for profile in filter(None, (cpu, threads)):
            self.need(proof.sane(profile) == 0, "the profile is not sane")
        if cpu:
            self.cpu(cpu)
            self.stacks(cpu, "cpu")
            if not self.believed:
                self.ticks()
        if threads:
            self.stacks(threads, "threads")
            if not self.believed:
                self.all_threads(threads)

    def failure(self):
        lines = [l for l in self.err.splitlines() if l and "sampling process" not in l]
        # The C library's own loader speaks for itself.
        loader = self.status == 127 and "error while loading shared libraries" in self.err
        self.need(loader or self.status in (1, 3, 4), "exit status %d" % self.status)
        self.need(lines, "fails without a word")
        self.need(self.believed or not re.search("no process with pid|has ended|already traced",
                                                 self.err), "a false reason: %s" % self.err[:80])

    def judge(self):
        self.need(not any(n.startswith(".cpprof-") for n in self.names), "a temporary file is left")
        self.need(not re.search("Sanitizer|runtime error:", self.err), "a sanitizer reports")
        if self.status == 0:
            self.success()
        else:
            self.failure()
        return self.wrong


def main(argv):
    if argv[1] == "clock":
        record(int(argv[2]))
        return
    with open(argv[4]) as f:
        lines = [line.split() for line in f.read().splitlines()]
    clocks = [tuple(map(int, line)) for line in lines if len(line) == 2]
    for line in Run(argv[2], int(argv[3]), clocks[-20000:], int(argv[5]), argv[6]).judge():
        print(line)


if __name__ == "__main__":
    main(sys.argv)
