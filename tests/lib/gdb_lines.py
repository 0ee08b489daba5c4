# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb: prints "lines TID FILE:LINE..." for each thread, leaf first: all frames of libc,
inlined functions too, the file without its folder."""
import os

import gdb

gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.ptid[1]):
    thread.switch()
    frame, lines = gdb.newest_frame(), []
    while frame is not None and len(lines) < 5000:
        place = frame.find_sal()
        library = os.path.basename(gdb.solib_name(frame.pc()) or "")
        # gdb also guesses frames of tail calls, of which the stack holds nothing.
        real = frame.type() != gdb.TAILCALL_FRAME
        if real and place.symtab and library.startswith("libc.so"):
            lines.append("%s:%d" % (os.path.basename(place.symtab.filename), place.line))
        try:
            frame = frame.older()
        except gdb.error:
            break
    print("lines", thread.ptid[1], *lines)
