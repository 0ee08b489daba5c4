/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps without unwind information, each one a guess that is validated: the return address must lie
 * in executable memory behind a call instruction. The stack is never scanned.
 */
#ifndef UNWIND_FRAME_POINTER_H
#define UNWIND_FRAME_POINTER_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

/* Moves regs to the caller: over the word at sp if the instruction before the address it holds
 * calls the present function (its first instructions, a PLT entry), else along rbp. Afterwards only
 * pc, rsp and rbp are known. 0, or -1 if neither is valid; then regs are unchanged. */
int frame_pointer_step(const struct code *code, int is_leaf, struct copy *copy, struct regs *regs);

#endif
