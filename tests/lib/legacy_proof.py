#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""legacy_proof.py FILE TEXT: both, as pprof wrote them as pprof files, hold the same: sample types and
sums, and each stack by its addresses. With "names": by its names, too.

Frames that are no code are in no mapping of FILE and have a made-up address in TEXT. By addresses,
these are as many different ones. By names, what TEXT says by a mapping, FILE says by a function:
"[no_code]" for "[no code]".
"""
import sys
from collections import Counter

import proof

NOWHERE = 1 << 63


def address(location):
    found = location.get(3, 0)
    return "nowhere" if not location.get(2, 0) or found >= NOWHERE else "%x" % found


def name(profile, number):
    location = profile.locations[number]
    if location["lines"]:
        return "/".join(profile.names(number)).strip("[]").replace(" ", "_")
    return profile.file_of(location).split("/")[-1].strip("[]")


def stacks(profile, frame):
    found = Counter()
    for sample in profile.samples:
        stack = ";".join(frame(n) for n in sample.locations)
        for (kind, unit), value in zip(profile.types, sample.values):
            found[kind, unit, stack] += value
    return found


def elsewhere(profile):
    """How many places that are in no code."""
    return len({(l.get(3, 0), tuple(line.get(1) for line in l["lines"]))
                for l in profile.locations.values() if address(l) == "nowhere"})


def main(argv):
    file, text = proof.Profile(argv[1]), proof.Profile(argv[2])
    frames = [(file, lambda n: address(file.locations[n])), (text, lambda n: address(text.locations[n]))]
    if "names" in argv[3:]:
        frames = [(file, lambda n: name(file, n)), (text, lambda n: name(text, n))]
    expected, found = (stacks(profile, frame) for profile, frame in frames)
    for key in sorted(set(expected) | set(found)):
        if expected[key] != found[key]:
            print("file %d text %d: %s" % (expected[key], found[key], " ".join(key)))
    if elsewhere(file) != elsewhere(text):
        print("file %d places that are no code, text %d" % (elsewhere(file), elsewhere(text)))
    if expected != found or elsewhere(file) != elsewhere(text) or not found:
        return 1
    print(len(found), "stacks and types, %d in all" % sum(found.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
