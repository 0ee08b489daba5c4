#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py PROFILE FOLDER SYMBOLS: the profile of many chains (chain.py) against what they are.

FOLDER has a file for each, named after the program, with what it printed: "ready PID", and "link_1
ADDRESS" where it knows; SYMBOLS what nm printed of those that were stripped, NAME.symbols. A row for
each: samples; share of the stacks that end at the root; share of those whose links are in order, none
missing from the youngest to the 40th; share of those in link_1; what else. Exit status 1 if a row is
not what it has to be."""
import bisect
import os
import re
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import proof

LAST = 40
LINK = re.compile(r"links?[_<](\d+)(?!\d)", re.I)
LINK_1 = re.compile(r"(\w+::)*links?[_<]1>?(::call\(long\))?")
NO_CFI, SWITCHED = "[no unwind information]", "[came from another stack]"
SHORT, FIRST = "[stack copy too short]", 8
LEAST = 10  # samples
# Of Go, how many stacks may say that they came from another one: the first few, before it is known to
# be Go, and a few of C's; of few samples no more than a fifth.
SWITCHED_FIRST, SWITCHED_SHARE, SWITCHED_MOST = 10, 0.02, 0.2


class Program:
    def __init__(self, path, symbols):
        self.name = os.path.basename(path)
        self.pid, self.functions = None, []
        link_1 = None
        for line in open(path):
            words = line.split()
            if words[:1] == ["ready"]:
                self.pid = int(words[1])
            elif words[:1] == ["link_1"]:
                link_1 = int(words[1], 16)
        if os.path.exists(symbols):
            self.read_symbols(symbols, link_1)
        self.count = Counter()

    def read_symbols(self, path, link_1):
        first = 0
        for line in open(path):
            words = line.split(None, 3)
            match = LINK.search(words[-1])
            if len(words) == 4 and words[2] in "tTW" and match:
                self.functions.append((int(words[0], 16), int(words[1], 16), int(match[1])))
                if LINK_1.fullmatch(words[3].strip()):
                    first = int(words[0], 16)
        bias = link_1 - first
        self.functions = sorted((address + bias, size, n) for address, size, n in self.functions)
        self.starts = [address for address, _, _ in self.functions]

    def number_at(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0 or address - self.starts[at] >= self.functions[at][1]:
            return None
        return self.functions[at][2]

    def number_of(self, sample, location, names):
        """The link that the frame is of, or that it is a closure in; or None."""
        if self.functions:
            return self.number_at(sample.profile.locations[location].get(3, 0))
        for name in names:
            match = LINK.search(name)
            if match:
                return int(match[1])
        return None

    def numbers(self, sample):
        found = []
        for location, names in zip(sample.locations, sample.frames()):
            number = self.number_of(sample, location, names)
            if number and found[-1:] != [number]:
                found.append(number)
        return found

    def add(self, sample):
        n, names = max(sample.values[0], 1), sample.all_names()
        numbers = self.numbers(sample)
        self.count["all"] += n
        self.count["guessed"] += n * ("[guessed step]" in names)
        self.count["whole" if is_whole(sample, names) else names[-1]] += n
        self.count["in_order"] += n * (numbers == list(range(LAST + 1 - len(numbers), LAST + 1)))
        self.count["at_work"] += n * (1 in numbers)

    def share(self, key):
        return self.count[key] / self.count["all"]

    def most(self, share):
        """How many samples may not be as that share has to be."""
        return 1 + (1 - share) * self.count["all"]

    def is_right(self):
        """What can be known is there; what cannot says so."""
        n = self.count["all"]
        if n < LEAST:
            return False
        # The first copies of a stack are too short where it is deep.
        first = min(self.count[SHORT], FIRST)
        bad = n - self.count["whole"] - self.count[SWITCHED] - first
        other = n - self.count["in_order"] - first
        if self.name.startswith("c-musl"):
            # Of a libc without unwind information a little stays unknown, and says so.
            return (bad == self.count[NO_CFI] <= self.most(0.95) and other <= self.most(0.99)
                    and self.share("at_work") >= 0.9)
        if self.name.startswith("haskell-"):
            # Its own stack is where no table tells: all but what its runtime's C does say so.
            return bad == self.count[NO_CFI] >= 0.9 * n
        switched = 0
        if self.name.startswith("go-"):
            switched = min(SWITCHED_FIRST + SWITCHED_SHARE * n, SWITCHED_MOST * n)
        # Of Go's work some is done on its system stacks, by its collector and its scheduler.
        return (bad <= self.most(0.99) and other <= self.most(0.99) and self.share("at_work") >= 0.5
                and self.count[SWITCHED] <= switched)

    def row(self):
        rest = ", ".join("%s %d" % item for item in self.count.items()
                         if item[0] not in ("all", "whole", "in_order", "at_work") and item[1])
        shares = [100 * self.share(key) if self.count["all"] else 0
                  for key in ("whole", "in_order", "at_work")]
        return "%-24s %7d %10.2f %10.2f %9.2f   %s" % (self.name, self.count["all"], *shares, rest)


def is_whole(sample, names):
    return proof.is_complete(sample) or names[-1] == "_start"


def main(argv):
    profile = proof.Profile(argv[1])
    programs = [Program(entry.path, os.path.join(argv[3], entry.name + ".symbols")) for entry in sorted(os.scandir(argv[2]), key=lambda e: e.name)]
    by_pid = {p.pid: p for p in programs}
    for sample in profile.samples:
        program = by_pid.get(sample.labels.get("pid"))
        if program and proof.stands_for_samples(sample):
            program.add(sample)
    print("%-24s %7s %10s %10s %9s   %s"
          % ("program", "samples", "complete %", "in order %", "link_1 %", "else"))
    for program in programs:
        print(program.row() + ("" if program.is_right() else "   NOT AS IT SHOULD BE"))
    return 0 if all(p.is_right() for p in programs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
