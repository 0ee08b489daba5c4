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
            # Nothing calls a signal's trampoline, and what the signal interrupted made no call.
            is_trampoline = frame.type() == gdb.SIGTRAMP_FRAME
            # Go's outermost frames have a return address of 0.
            if frame.pc():
                pcs.append(frame.pc() if exact or is_trampoline else frame.pc() - 1)
            exact = is_trampoline
        try:
            frame = frame.older()
        except gdb.error:
            break
    print("stack", thread.ptid[1], *["%x" % pc for pc in pcs])
