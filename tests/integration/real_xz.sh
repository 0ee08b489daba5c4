#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's xz, compressing in two threads.
. "$(dirname "$0")/../lib/harness.sh"
need python3 xz

xz -3 -T2 --block-size=8MiB -c </dev/urandom >/dev/null &
program=$!
started+=("$program")
sleep 1
check_real xz $program
finish
