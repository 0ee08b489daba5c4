# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds an allocs profile to what its target said: heap_places.py TRUTH STACKS RATE LOST [PLACE...]

TRUTH has lines "truth PLACE objects bytes live_objects live_bytes smallest_size", STACKS is what
"proof stacks" prints. Each place has to be within 4 sigma; the PLACEs that are named have to be
absent from the profile instead. Prints how many places were held to it.
"""
import collections
import math
import sys

truth_file, stacks, rate, lost = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
absent = set(sys.argv[5:])
found = collections.defaultdict(lambda: [0] * 4)
rows = collections.Counter()
for line in open(stacks):
    values, _, names = line.rstrip("\n").split("\t")
    place = next((n for n in names.split(";") if n.startswith("at_")), "")
    rows[place] += 1
    for i, v in enumerate(values.split()):
        found[place][i] += int(v)
checked = 0
for line in open(truth_file):
    word = line.split()
    if word[0] != "truth" or len(word) != 7:
        continue
    truth, size, got = [int(w) for w in word[2:6]], int(word[6]), found[word[1]]
    if word[1] in absent:
        assert got == [0] * 4, (word[1], got)
        continue
    p = -math.expm1(-size / rate)
    for objects in (0, 2):
        n, b = truth[objects], truth[objects + 1]
        if not n:
            assert got[objects] == got[objects + 1] == 0, (word[1], got)
            continue
        sigma = math.sqrt(n * (1 - p) / p), math.sqrt(b * (b / n) * (1 - p) / p)
        for at, want, s in ((objects, n, sigma[0]), (objects + 1, b, sigma[1])):
            # each stack is rounded to whole objects and bytes; samples that were lost
            room = 4 * s + rows[word[1]] + lost * (want / n) / p
            assert abs(got[at] - want) <= room, (word[1], at, want, got[at], s)
    checked += 1
print(checked, "places")
