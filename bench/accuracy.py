#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What accuracy.sh does with the files of a round.

accuracy.py measure TOOL FILE TRUTH FROM TO PROGRAM
    Shares of the target's parts in FILE against the truth of the window FROM..TO (realtime ns; of
    our own files the window is known). Prints: samples, CPU found / CPU used, share without stack,
    then NAME TRUTH FOUND for each part.
accuracy.py row LOAD TOOL
    Reads such lines of several rounds and prints the table's row of their means.
"""
import bisect
import math
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/lib"))
import proof  # noqa: E402

OTHER = "other"


class Truth:
    """The target's notes, one each 20 ms; between two of them its CPU goes on evenly."""

    def __init__(self, path):
        self.names, self.notes = [], []
        for line in open(path):
            word, *rest = line.split()
            if word == "parts":
                self.names = rest
            elif word == "at":
                self.notes.append([int(n) for n in rest])

    def note(self, at):
        k = min(max(bisect.bisect(self.notes, [at]), 1), len(self.notes) - 1)
        a, b = self.notes[k - 1], self.notes[k]
        part = min(max((at - a[0]) / (b[0] - a[0]), 0), 1)
        return [x + part * (y - x) for x, y in zip(a[1:], b[1:])]

    def window(self, begin, end):
        """CPU of the process, and a dict of that of its parts."""
        cpu, *used = [y - x for x, y in zip(self.note(begin), self.note(end))]
        truth = dict(zip(self.names, used))
        truth[OTHER] = max(cpu - sum(used), 0)
        return cpu, truth


def part_of(frames, names):
    """The part that a stack, leaf first, belongs to: a function, or a depth of recurse()."""
    if names[0].startswith("depth_"):
        name = "depth_%d" % frames.count("recurse")
        return name if name in names else OTHER
    return next((f for f in frames if f in names), OTHER)


def read_ours(path):
    """Yields (frames, weight in ns, count); the window."""
    profile = proof.Profile(path)
    out = [([proof.plain(n) for n in s.all_names()], s.values[-1],
            s.values[0] if proof.stands_for_samples(s) else 0) for s in profile.samples]
    return out, (profile.time, profile.time + profile.duration)


def read_perf(path):
    """Samples are blocks: "PERIOD", or "PERIOD" and frames "ADDRESS SYMBOL"."""
    text = subprocess.run(["perf", "script", "-i", path, "-F", "period,ip,sym"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    out = []
    for line in text.splitlines():
        words = line.split()
        if words and not line.startswith("\t") and words[0].isdigit():
            out.append(([], int(words[0]), 1))
            words = words[1:]
        if len(words) > 1 and out:
            out[-1][0].append(words[1].split("+")[0])
    return out


def symbols(program):
    text = subprocess.run(["nm", "--defined-only", program], text=True, stdout=subprocess.PIPE,
                          check=True).stdout
    found = [line.split() for line in text.splitlines()]
    return sorted((int(a, 16), name) for a, kind, name in found if kind in "tT")


def read_gperf(path, program):
    """The classic format: words; count, depth and addresses of each stack; then /proc/PID/maps."""
    data = open(path, "rb").read()
    words = struct.unpack("<%dQ" % (len(data) // 8), data[:len(data) // 8 * 8])
    period_us, at, stacks = words[3], 2 + words[1], []
    while words[at:at + 3] != (0, 1, 0):
        count, depth = words[at], words[at + 1]
        stacks.append((count, words[at + 2:at + 2 + depth]))
        at += 2 + depth
    base, end = 0, 0
    for line in data[(at + 3) * 8:].decode().splitlines():
        if line.rstrip().endswith("/" + os.path.basename(program)):
            first, last = (int(n, 16) for n in line.split()[0].split("-"))
            base, end = base or first, last
    table = symbols(program)

    def name(address):
        k = bisect.bisect_right(table, (address - base, "~")) - 1
        return table[k][1] if k >= 0 and address < end else "?"

    # All but the leaf are return addresses.
    return [([proof.plain(name(a - (i > 0))) for i, a in enumerate(s)], count * period_us * 1000,
             count) for count, s in stacks]


def measure(tool, path, truth_path, begin, end, program):
    if tool == "ours":
        samples, (begin, end) = read_ours(path)
    elif tool == "perf":
        samples = read_perf(path)
    else:
        samples = read_gperf(path, program)
    truth = Truth(truth_path)
    cpu, parts = truth.window(int(begin), int(end))
    found = dict.fromkeys(parts, 0)
    for frames, weight, count in samples:
        if count:
            found[part_of(frames, truth.names)] += weight
    weight = sum(w for _, w, _ in samples)
    seen = sum(found.values())
    print(sum(n for _, _, n in samples), "%.5f" % (weight / cpu), "%.5f" % (1 - seen / max(weight, 1)),
          *("%s %.5f %.5f" % (p, parts[p] / cpu, found[p] / max(seen, 1)) for p in parts))


def row(load, tool):
    """Means over the rounds: noise falls, a bias stays. The noise is what as many samples at random
    moments would be off in the mean."""
    lines = [line.split() for line in sys.stdin if line.strip()]
    count = sum(int(w[0]) for w in lines)
    if not count:
        print("%-10s %-9s no samples" % (load, tool))
        return
    weights = [int(w[0]) / count for w in lines]

    def mean(column):
        return [sum(k * float(w[at]) for k, w in zip(weights, lines))
                for at in range(column, len(lines[0]), 3)]

    *truth, other = mean(4)
    *found, other_found = mean(5)
    truth, found = ([x / max(sum(v), 1e-9) for x in v] for v in (truth, found))
    error = 100 * sum(abs(f - t) for f, t in zip(found, truth))
    in_parts = max(count * (1 - other_found), 1)
    noise = 100 * sum(math.sqrt(2 / math.pi * t * (1 - t) / in_parts) for t in truth)
    sums = sum(float(w[1]) for w in lines) / len(lines)
    unseen = 100 * sum(float(w[2]) for w in lines) / len(lines)
    print("%-10s %-9s %8d %8.1f %8.1f %8.1f %8.1f %9.4f %8.2f  %s" % (
        load, tool, count, error, noise, 100 * other, 100 * other_found, sums, unseen,
        " ".join("%+.1f" % (100 * (f - t)) for f, t in zip(found, truth) if t or f)))


if __name__ == "__main__":
    {"measure": measure, "row": row}[sys.argv[1]](*sys.argv[2:])
