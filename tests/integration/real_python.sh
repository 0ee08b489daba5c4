#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's python3, computing; one thread in deep recursion through C.
. "$(dirname "$0")/../lib/harness.sh"
need python3
python=/usr/bin/python3
[ -x $python ] || skip_all "no $python"

$python -c '
import json, re, threading
def work():
    while True:
        text = json.dumps({str(i): [i, i * 0.5, "x" * (i % 7)] for i in range(300)})
        sorted(re.findall(r"\d+", text), key=lambda s: (len(s), s))
def deep(n):
    return max(map(deep, [n - 1])) if n else sum(i * i for i in range(3000))
def recurse():
    while True:
        deep(80)
threading.Thread(target=recurse, daemon=True).start()
work()' &
program=$!
started+=("$program")
sleep 0.5
check_real python $program
# Each of the 80 calls goes through max, map and the interpreter.
check_number "frames of the deepest stack" "$(proof stacks "$WORK/python.cpu.pb.gz" | awk -F'\t' '
	{ n = split($3, frames, ";"); if (n > most) most = n } END { print most }') >= 240"
finish
