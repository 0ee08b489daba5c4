# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scripts ask of a server of ours, and the truth of those that it profiles.

served = Served(url)         get(path), profile(path), metric(name), window(path) in a thread
Turns(file)                  what a target "turns" has said of itself in the end
is_true(what, truth), is_equal(what, expected, found)
                             print "pass: ..." or "FAIL: ..."; harness.sh counts them: judge
"""
import bisect
import math
import os
import socket
import sys
import threading
import time

import proof
from http_client import Server, Stream, read_answer

PPROF = "/debug/pprof/"
failed = 0


def is_true(what, truth, found=""):
    global failed
    failed += not truth
    print(("pass: " if truth else "FAIL: ") + what + (": " + " ".join(str(found).split())[:300] if found != "" else ""), flush=True)
    return bool(truth)


def is_equal(what, expected, found):
    return is_true(what, expected == found,
                   found if expected == found else "expected %r, found %r" % (expected, found))


def until(what, condition, seconds=20.0):
    """Waits for it; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value or is_true(what, False, "not within %g s" % seconds)
        time.sleep(0.02)


class Window(threading.Thread):
    """A request that is answered later. answer: what came, an Answer or an exception."""

    def __init__(self, served, path, after=0.0):
        super().__init__(daemon=True)
        self.served, self.path, self.after = served, path, after
        self.answer = self.sock = None
        self.start()

    def run(self):
        time.sleep(self.after)
        self.asked = time.time_ns()
        try:
            server, timeout = self.served.server, self.served.timeout
            self.sock = server.connect(timeout)
            self.sock.sendall(server.request("GET", self.path))
            self.answer = read_answer(Stream(self.sock, timeout))
        except Exception as error:
            self.answer = error
        self.answered = time.time_ns()

    def hang_up(self):
        until("sent", lambda: self.sock)
        self.sock.shutdown(socket.SHUT_RDWR)
        self.join()

    def status(self):
        self.join()
        return getattr(self.answer, "status", self.answer)

    def profile(self):
        """None, and told, if it is none."""
        if self.status() != 200:
            is_true(self.path, False, "%s %r" % (self.status(), getattr(self.answer, "body", b"")[:200]))
            return None
        return proof.Profile(self.answer.body)


class Served:
    def __init__(self, url, timeout=60.0):
        self.url, self.timeout = url, timeout
        self.server = Server(url.replace("unix:", "http+unix:") + ":" if url.startswith("unix:") else url)

    def get(self, path, timeout=None):
        return self.server.get(path, timeout or self.timeout)

    def window(self, path, after=0.0):
        return Window(self, path if path.startswith("/") else PPROF + path, after)

    def profile(self, path):
        return self.window(path).profile()

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith("cpprof_attach_" + name + " "):
                return float(line.split()[-1])
        raise KeyError(name)


# --- truths -----------------------------------------------------------------------------------

class Turns:
    """Its CPU time until any point in time, of the process and of each function."""

    def __init__(self, path):
        self.at, self.cpu, self.used = [], [], []
        with open(path) as lines:
            for line in lines:
                words = line.split()
                if words and words[0] == "at":
                    numbers = [int(word) for word in words[1:]]
                    self.at.append(numbers[0])
                    self.cpu.append(numbers[1])
                    self.used.append(numbers[2:])

    def bounds(self, begin, end):
        """The least and the most of CPU time in there: from look to look."""
        last = len(self.at) - 1
        inner = bisect.bisect_left(self.at, begin), bisect.bisect_right(self.at, end) - 1
        outer = max(inner[0] - 1, 0), min(inner[1] + 1, last)
        least = self.cpu[min(inner[1], last)] - self.cpu[min(inner[0], last)]
        return max(least, 0), self.cpu[outer[1]] - self.cpu[outer[0]]

    def until(self, at):
        """CPU time of the process and of each function."""
        i = min(max(bisect.bisect_right(self.at, at), 1), len(self.at) - 1)
        part = min(max((at - self.at[i - 1]) / (self.at[i] - self.at[i - 1]), 0), 1)
        before, after = ([self.cpu[k]] + self.used[k] for k in (i - 1, i))
        return [a + (b - a) * part for a, b in zip(before, after)]

    def shares(self, begin, end):
        """Of each function; reading the clocks takes some of it, too."""
        cpu, *used = (b - a for a, b in zip(self.until(begin), self.until(end)))
        return [one / max(cpu, 1) for one in used]


def judge_turns(what, profile, turns, samples=None, may_lack=0.03):
    """A cpu profile, or the samples of it that are of that process, is of its own time."""
    if not profile:
        return
    samples = profile.samples if samples is None else samples
    begin, end = profile.time, profile.time + profile.duration
    least, most = turns.bounds(begin, end)
    sum_ = sum(s.values[1] for s in samples)
    is_true(what + ": CPU", 0.99 * least - 2e6 <= sum_ <= 1.01 * most + 2e6,
            "%.0f ms of %.0f to %.0f" % (sum_ / 1e6, least / 1e6, most / 1e6))
    taken = [s for s in samples if proof.stands_for_samples(s)]
    count = sum(s.values[0] for s in taken)
    pairs, least_likely = [], 1.0
    for i, truth in enumerate(turns.shares(begin, end)):
        found = proof.share(taken, lambda s: "turn_%d" % (i + 1) in map(proof.plain, s.leaf()))
        least_likely = min(least_likely, likelihood(found, truth, count, may_lack))
        pairs.append("%.3f/%.3f" % (found, truth))
    # One that others keep from its CPUs may be met at no tick of a window: its time is in the sum.
    is_starved = sum_ < 0.5 * profile.duration
    # Many windows are judged: further off than 5 sigma, where samples are few, too.
    is_true(what + ": shares, of its own account", (count or is_starved) and least_likely >= 1e-7,
            "%s, %d samples, by chance %.0e" % (" ".join(pairs), count, least_likely))


def likelihood(found, truth, n, may_lack):
    """Of a share as far off as that, or further, where it may be off by as much anyhow."""
    is_more = found > truth
    p = min(max(truth + may_lack if is_more else truth - may_lack, 1e-9), 1 - 1e-9)
    if (found <= p) == is_more or not n:
        return 1.0
    k = found * n
    ks = range(math.ceil(k - 1e-6), n + 1) if is_more else range(0, math.floor(k + 1e-6) + 1)
    return sum(math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) +
                        i * math.log(p) + (n - i) * math.log(1 - p)) for i in ks)


def is_sane(what, profile):
    if profile:
        is_true(what + ": is sane", proof.sane(profile) == 0)


def stop_and_read(pid, path, last="truth done"):
    """The target says all that it knows, and ends."""
    os.kill(int(pid), 15)
    until("the target's own account", lambda: "\n" + last in open(path).read())


def main(commands):
    """The command named by the first argument gets the others. Exit 1 when something failed."""
    commands[sys.argv[1]](*sys.argv[2:])
    sys.exit(1 if failed else 0)
