# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what must be the same in a process before and after: its code, files, descriptors, signals, and
of each thread the mask of those that are blocked, in lines "task ...".

process_state.py PID
"""
import hashlib
import os
import re
import sys

pid = sys.argv[1]
memory = open(f"/proc/{pid}/mem", "rb")
for line in open(f"/proc/{pid}/maps"):
    m = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line)
    start, end = int(m[1], 16), int(m[2], 16)
    if "x" in m[3] and m[4] != "[vsyscall]":
        memory.seek(start)
        print(m[1], m[2], m[3], hashlib.sha256(memory.read(end - start)).hexdigest())
    elif m[4].startswith("/"):
        print(m[1], m[2], m[3], m[4])
print(sorted(os.listdir(f"/proc/{pid}/fd")))
for line in open(f"/proc/{pid}/status"):
    if line.startswith(("SigP", "SigB", "SigI", "SigC", "Shd")):
        print(line.split()[1])
for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
    try:
        status = open(f"/proc/{pid}/task/{task}/status").read()
    except FileNotFoundError:
        continue
    print("task", task, re.search(r"SigBlk:\s*(\w+)", status)[1])
