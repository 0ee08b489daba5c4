# SPDX-License-Identifier: GPL-2.0-or-later
"""What profiles should have of the target "heap_steps", sampled each RATE bytes."""
import collections
import math
import os
import re
import signal

from served import is_equal, is_true, until

RATE = 16384.0
ALLOCATED = [("alloc_objects", "count"), ("alloc_space", "bytes")]
IN_USE = [("inuse_objects", "count"), ("inuse_space", "bytes")]
TYPES = ALLOCATED + IN_USE


def truths(path):
    """After each step: place to the four values and the size."""
    found, now = [{}], {}
    for line in open(path):
        words = line.split()
        if words and words[0] == "truth":
            now[words[1]] = [int(word) for word in words[2:]]
        if words and words[0] == "step":
            found.append(dict(now))
    return found


def step(target, path):
    n = len(truths(path))
    os.kill(int(target), signal.SIGUSR1)
    until("step %d" % n, lambda: len(truths(path)) > n)


UNITS = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def lost(text):
    """What a run says that it lost, in samples at RATE: of those that there was no room for it says what they stand for,
    which is more where samples were made rarer."""
    samples = 0
    for before, after in re.findall(r"(?:no room|lost:?) (\d+)|(\d+) (?:damaged|in the worker)", text):
        samples += int(before or after)
    for number, unit in re.findall(r"\(about ([\d.]+)([kMG]?B) more\)", text):
        samples = max(samples, float(number) * UNITS[unit] / RATE)
    return samples


def by_place(*profiles):
    """The sum of each type of all of them: place to type to value."""
    found = collections.defaultdict(collections.Counter)
    for profile in profiles:
        for sample in profile.samples:
            for name in sample.leaf():
                found[name].update({type_of[0]: value for type_of, value in zip(profile.types, sample.values)})
    return found


def judge(what, profiles, now, before, dropped, types=TYPES):
    """Each place within 4 sigma of what chance allows; what is nothing is exactly that."""
    for profile in profiles:
        is_equal(what + ": types", types, profile.types)
    found, wrong = by_place(*profiles), []
    for place, truth in now.items():
        size = truth[4]
        base = before.get(place, [0] * 5)
        p = -math.expm1(-size / RATE)
        for name, unit in types:
            i = TYPES.index((name, unit))
            want, each = truth[i] - base[i], 1 if unit == "count" else size
            # Of what is alive in one step and not in the other each is there by chance.
            sigma = math.sqrt(abs(want) / each * (1 - p) / p) * each
            slack = dropped / p * each + len(profiles) if want else 0
            if abs(found[place][name] - want) > 4 * sigma + slack:
                wrong.append("%s %s: %d, not %d +- %.0f" % (place, name, found[place][name], want, sigma))
    is_true(what + ": each place within 4 sigma, what is nothing exactly 0", not wrong,
            "; ".join(wrong) or {place: dict(found[place]) for place in now})
