#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's python3, computing.
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
threading.Thread(target=work, daemon=True).start()
work()' &
program=$!
started+=("$program")
sleep 0.5
check_real python $program
finish
