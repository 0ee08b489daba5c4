#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""holders.py PROFILE TRUTH PID [KIND]: a mutex profile of the target locks against what it said: of each lock
that somebody waits for its kind, its name, and who holds it, with the stack that this thread has.
Not of KIND, which the profile does not tell there. Prints what is only in the truth (<) or only in the profile (>)."""
import os
import sys

import proof

KINDS = {"mutex", "rwlock", "once", "join", "stdio", "file_lock"}
OTHERS = {0: "[holder unknown]", -1: "[holder has ended]", -2: "[holders are readers]"}
FUNCTIONS = {"hold": "hold", "main": "main", "wait_for_it": "itself"}


def truths(path, pid):
    own = set(map(int, os.listdir("/proc/%d/task" % pid)))
    for line in open(path):
        words = line.split()
        if words[:1] != ["truth"] or words[2] not in KINDS:
            continue
        waiter, holder = int(words[1].split(".")[1]), int(words[4])
        lock = words[5] if words[5] != "-" else words[3]
        if holder in own:
            who = {pid: "main", waiter: "itself"}.get(holder, "hold"), holder
        else:
            who = OTHERS.get(holder, "[holder in another process]"), None
        yield (words[2], lock, *who)


def found(path):
    for sample in proof.Profile(path).samples:
        names = sample.all_names()
        who = [FUNCTIONS[name] for name in names if name in FUNCTIONS] or names
        labels = sample.labels
        yield labels["kind"].replace(" ", "_"), labels.get("lock", "0x0"), who[0], labels.get("tid")


def main(argv):
    expected = {row for row in truths(argv[2], int(argv[3])) if row[0] not in argv[4:]}
    had = set(found(argv[1]))
    for sign, rows in (("<", expected - had), (">", had - expected)):
        for row in rows:
            print(sign, *row)
    print("%d locks" % len(had))
    return expected != had or not had


if __name__ == "__main__":
    sys.exit(main(sys.argv))
