# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by gdb: prints "stack TID PC..." for each thread, leaf first, real frames only.

A pc that follows a call is given as pc - 1, as a profile gives it."""
import gdb

gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.ptid[1]):
    thread.switch()
    frame, pcs, exact = gdb.newest_frame(), [], True
    while frame is not None and len(pcs) < 5000:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append(frame.pc() if exact else frame.pc() - 1)
            # The frame below a signal handler was interrupted, it made no call.
            exact = frame.type() == gdb.SIGTRAMP_FRAME
        try:
            frame = frame.older()
        except gdb.error:
            break
    print("stack", thread.ptid[1], *["%x" % pc for pc in pcs])
