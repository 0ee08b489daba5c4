#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Heap profiles beside what a program says of its own memory.

heap_real.py within FILE TYPE LOW HIGH [WITHOUT]   the sum of alloc_space, inuse_space, alloc_objects or
                inuse_objects lies in [LOW, HIGH], 4 sigma of the sampling on either side; stacks
                with a function that matches WITHOUT do not count. What was lost for want of room, on a busy
                machine, may be missing: of bytes as the summary beside the file (.json) says
heap_real.py lost SUMMARY   of what was allocated at most 5 % is lost for want of room, of the rest nothing
"""
import json
import math
import re
import sys

import proof


def rows(profile, kind, without):
    """Objects and bytes of each sample, of what is alive or of all."""
    names = [name for name, _ in profile.types]
    objects, space = names.index(kind + "_objects"), names.index(kind + "_space")
    for sample in profile.samples:
        if without and any(without.search(name) for name in sample.all_names()):
            continue
        yield sample.values[objects], sample.values[space]


PEAK_AT = 1.5936
PEAK = PEAK_AT ** 2 / math.expm1(PEAK_AT)


def total(profile, type_name, without):
    """The sum and its standard deviation. Of objects of size s, one in 1/p is sampled, p = 1 - exp(-s/R), which
    makes the variance of the bytes of each s^2 (1-p)/p = R^2 h(s/R), h(x) = x^2 / (e^x - 1). The objects of one
    stack may be of several sizes; the most their average can hide is by the smallest concave function above h."""
    kind, unit = type_name.split("_")
    value = variance = 0
    for objects, space in rows(profile, kind, without):
        if objects <= 0:
            continue
        x = space / objects / profile.period
        if unit == "objects":
            value += objects
            variance += objects / math.expm1(x)
        else:
            value += space
            variance += objects * profile.period ** 2 * (x * x / math.expm1(x) if x < PEAK_AT else PEAK)
    return value, math.sqrt(variance)


MOST_LOST = 0.05


def lost_bytes(summary):
    """What the samples that were lost stand for, and the standard deviation of that."""
    return summary["no_room_bytes"], summary["no_room_bytes"] * summary["no_room_error"]


def lost(file):
    summary = json.load(open(file))["heap"]
    missing, sigma = lost_bytes(summary)
    print("%.0f +-%.0f of %.0f bytes" % (missing, sigma, summary["allocated_bytes"] + missing))
    return summary["damaged"] or missing > MOST_LOST * (summary["allocated_bytes"] + missing)


def within(file, type_name, low, high, without=None):
    missing = missing_sigma = 0
    if type_name.endswith("_space"):
        missing, missing_sigma = lost_bytes(json.load(open(file.replace(".pb.gz", ".json")))["heap"])
    value, sigma = total(proof.Profile(file), type_name, re.compile(without) if without else None)
    low, high = float(low), float(high)
    print("%s: %.0f +-%.0f, %.0f lost, said: %.0f to %.0f" % (type_name, value, sigma, missing, low, high))
    return not low - missing - 4 * math.hypot(sigma, missing_sigma) <= value <= high + 4 * sigma


if __name__ == "__main__":
    sys.exit({"within": within, "lost": lost}[sys.argv[1]](*sys.argv[2:]))
