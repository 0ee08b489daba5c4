# SPDX-License-Identifier: GPL-2.0-or-later
"""dump_proof.py WHAT FILE ...: holds a page of -dump -format json against what the target said of itself.

fds FILE TRUTH                 each "truth fd.TID CALL FD WHAT" is what the thread waits on
circles FILE TRUTH             the deadlocks are the "truth circle.TID N", the holders "truth waits.TID HOLDER"
threads FILE FUNCTION          how many threads have the function in their stack
named FILE NAME                how many threads have the name
value FILE KEY                 a figure of the page
gdb FILE OUTPUT                the functions are those of "thread apply all bt"
"""
import json
import re
import sys


def truths(path, kind):
    for line in open(path, errors="replace"):
        words = line.rstrip("\n").split(" ", 2)
        if words[0] == "truth" and words[1].startswith(kind + "."):
            yield int(words[1].split(".")[1]), words[2]


def fds(page, path):
    threads = {t["tid"]: t for t in page["threads"]}
    bad = n = 0
    for tid, said in truths(path, "fd"):
        call, fd, what = said.split(" ", 2)
        found = threads.get(tid, {}).get("call", {})
        # An array of descriptors is described as a whole.
        fd = None if call == "poll" else int(fd)
        n += 1
        if (found.get("name"), found.get("descriptor"), found.get("descriptor_is")) != (call, fd, what):
            bad += 1
            print("thread", tid, "waits in", said, "and not in", found)
    print(n, "descriptors")
    return bad or not n


def circles(page, path):
    true = {}
    for tid, circle in truths(path, "circle"):
        true.setdefault(circle, set()).add(tid)
    found = sorted(sorted(d["threads"]) for d in page["deadlocks"])
    true = sorted(sorted(c) for c in true.values())
    holders = {t["tid"]: t.get("wait", {}).get("holder") for t in page["threads"]}
    wrong = [(tid, h, holders.get(tid)) for tid, h in truths(path, "waits") if holders.get(tid) != int(h)]
    print("circles", found, "holders", len(list(truths(path, "waits"))))
    if wrong:
        print("wrong holders (thread, true, found)", wrong)
    if found != true:
        print("and not", true)
    return bool(wrong) or found != true


def functions(group):
    return [f.get("function", "??") for f in group["frames"] if "ends" not in f]


def threads(page, function):
    print(sum(len(g["threads"]) for g in page["groups"] if function in functions(g)))


def named(page, name):
    print(sum(t["name"] == name for t in page["threads"]))


def value(page, key):
    print(page[key] if not isinstance(page[key], list) else len(page[key]))


def plain(name):
    """libc's functions have several names each."""
    return re.sub(r"^_*(GI_*)?(libc_)?", "", name)


def gdb(page, path):
    ours = {tid: [plain(f) for f in functions(g)] for g in page["groups"] for tid in g["threads"]}
    theirs, tid = {}, None
    for line in open(path, errors="replace"):
        head = re.match(r"Thread .*LWP (\d+)", line)
        frame = re.match(r"#\d+ +(?:0x[0-9a-f]+ in )?(\S+) ", line)
        if head:
            tid = int(head[1])
            theirs[tid] = []
        elif frame and tid:
            theirs[tid].append(plain(frame[1]))
    bad = 0
    for tid, names in theirs.items():
        # gdb ends at main, and at the start of a thread where we do.
        if ours.get(tid, [])[: len(names)] != names:
            bad += 1
            print("thread", tid, "\n  gdb ", names, "\n  ours", ours.get(tid))
    print(len(theirs), "stacks")
    return bad or len(theirs) != len(ours)


def main():
    what, file, *more = sys.argv[1:]
    page = json.loads(open(file).readline())
    sys.exit(bool(globals()[what](page, *more)))


if __name__ == "__main__":
    main()
