#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the stacks of blocked threads with the chains that the programs say they are in.

chains.py PROFILE SAID...     SAID: what a program said, its name the build's

Prints a table of builds and shapes and one of calls and builds; each stack is one of
  sure     the chain and nothing but libc below it and the thread's start above it, without a mark
  guessed  the same, with the mark of a guess in it
  cut      the beginning of that, and a reason why there is no more
  astray   wrong behind the mark of a guess
  WRONG    wrong without a mark
Exit 1 if one is WRONG, or a thread has no stack.
"""
import os
import sys
from collections import Counter, defaultdict

import proof

MARK = "[guessed step]"
KINDS = ("sure", "guessed", "cut", "astray", "WRONG", "missing")


def is_libc(profile, number):
    name = os.path.basename(profile.file_of(profile.locations[number]))
    return name.startswith(("libc.so", "libpthread", "ld-linux", "[vdso]"))


def frames_of(sample):
    """Names from the leaf on; None for libc's."""
    out = []
    for number in sample.locations:
        names = sample.profile.names(number)
        out += [None] if is_libc(sample.profile, number) else [proof.plain(n) for n in names]
    return out


def without_libc(names):
    """What is between libc's frames on both ends."""
    begin, end = 0, len(names)
    while begin < end and names[begin] is None:
        begin += 1
    while end > begin and names[end - 1] is None:
        end -= 1
    return names[begin:end], begin, len(names) - end


def kind_of(sample, chain):
    names = frames_of(sample)
    marked = MARK in names
    seen, below, above = without_libc([n for n in names if n != MARK])
    if seen == chain and below and above:
        return "guessed" if marked else "sure"
    first = [n for n in names[:names.index(MARK)] if n] if marked else seen
    if first and proof.CUT.match(first[-1]):
        first = first[:-1]
        cut = True
    else:
        cut = bool(seen) and seen[-1] is not None and bool(proof.CUT.match(seen[-1]))
    if first != chain[:len(first)] or not (cut or marked):
        return "WRONG"
    if not marked:
        return "cut"
    rest = seen[:-1] if cut else seen
    return "cut" if cut and rest == chain[:len(rest)] else "astray"


def print_table(rows, of):
    width = max(len(r) for r in rows)
    print("%-*s %s" % (width, "", " ".join("%8s" % k for k in KINDS)))
    for row in rows:
        print("%-*s %s" % (width, row, " ".join("%8d" % of[row][k] for k in KINDS)))


def main(argv):
    profile = proof.Profile(argv[1])
    stacks = {str(s.labels.get("tid")): s for s in profile.samples}
    by = defaultdict(Counter)
    order = {}
    for path in argv[2:]:
        build = os.path.basename(path)
        for line in open(path):
            if not line.startswith("chain "):
                continue
            _, tid, call, shape, chain = line.split()
            sample = stacks.get(tid)
            kind = kind_of(sample, chain.split(";")) if sample else "missing"
            for row in (build, "  shape " + shape, "  call " + call, "all"):
                by[row][kind] += 1
                order.setdefault(row.split()[0] if row[0] == " " else "", {})[row] = 1
            if kind in ("WRONG", "missing") or os.environ.get("SHOW") == kind:
                print("%s %s %s %s\n  truth %s\n  found %s" % (kind, build, call, shape, chain,
                      ";".join(sample.all_names()) if sample else "none"))
    rows = [r for group in ("", "shape", "call") for r in order.get(group, {}) if r != "all"]
    print_table(rows + ["all"], by)
    return 1 if by["all"]["WRONG"] or by["all"]["missing"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
