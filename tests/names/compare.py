# SPDX-License-Identifier: GPL-2.0-or-later
"""compare.py ADDRESSES OURS THEIRS: counts of equal and of other answers, as names and
llvm-symbolizer print them, and the first that differ.

Not compared: addresses between functions, where theirs has a line of no function, and code without
debug information, where theirs guesses the file by the symbol table. Of a constructor or destructor
with two names for one address either may be told."""
import os
import re
import sys


def answers(path):
    out, lines = [], []
    for line in open(path, errors="replace"):
        line = line.rstrip("\n")
        if line:
            lines.append(line)
        else:
            out.append(chain(lines))
            lines = []
    return out


def chain(lines):
    out = []
    for name, place in zip(lines[::2], lines[1::2]):
        path, number = place.rsplit(":", 1)[0], place.rsplit(":", 1)[1]
        if path.rsplit(":", 1)[-1].isdigit():  # theirs has a column behind it
            path, number = path.rsplit(":", 1)
        name = re.sub(r"([CD])[12]E", r"\1E", name.split("@")[0])
        out.append((name, os.path.normpath(path), number))
    return out


def is_compared(theirs):
    name, path, number = theirs[-1]
    return name != "??" and not (number == "0" and "/" not in path)


def main():
    addresses = open(sys.argv[1]).read().split()
    ours, theirs = answers(sys.argv[2]), answers(sys.argv[3])
    equal = other = inlined = 0
    if not len(addresses) == len(ours) == len(theirs):
        sys.exit(f"{len(addresses)} addresses, {len(ours)} and {len(theirs)} answers")
    for address, a, b in zip(addresses, ours, theirs):
        if not is_compared(b):
            continue
        inlined += len(b) > 1
        if a == b:
            equal += 1
            continue
        other += 1
        if other <= 3:
            print(f"{address}\n  {a}\n  {b}", file=sys.stderr)
    print(equal, other, inlined)


main()
