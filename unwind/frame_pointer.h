/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps without unwind information, each one a guess that is validated: the return address must lie
 * in executable memory behind a call instruction. The stack is never scanned.
 */
#ifndef UNWIND_FRAME_POINTER_H
#define UNWIND_FRAME_POINTER_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

enum frame_pointer {
	FRAME_POINTER_FOUND,
	FRAME_POINTER_NONE,	  /* nothing valid: regs are unchanged */
	FRAME_POINTER_UNREADABLE, /* there may be a frame where a larger copy would reach */
};

/* Moves regs to the caller: over the word at sp if the instruction before the address it holds
 * calls the present function (its first instructions, a PLT entry, a leaf function), else along
 * rbp. Afterwards only pc, rsp and rbp are known. */
enum frame_pointer frame_pointer_step(
	const struct code *code, int is_leaf, struct copy *copy, struct regs *regs);

/* A function that never returns, to its caller: the first word above sp that is a return address
 * has to be behind a direct call to this very function, or behind one of the code in which all
 * stacks begin (frame_pointer_is_root). 0, or -1: it is not, regs are unchanged. */
int frame_pointer_no_return(const struct code *code, struct copy *copy, struct regs *regs);

/* Where pc has no frame (yet, or any more), which the code around it shows: over the return address
 * alone. at_pc: CODE_BYTES of it, see there. */
enum frame_pointer frame_pointer_frameless_step(
	const struct code *code, const unsigned char *at_pc, struct copy *copy, struct regs *regs);

/* A frame that its callee's unwind information led to, exactly, and that has no frame pointer: over
 * one word of padding, which is all that python's trampolines have (Python/asm_trampoline.S). */
enum frame_pointer frame_pointer_padded_step(
	const struct code *code, struct copy *copy, struct regs *regs);

/* Along rbp from the last frame that has one to a caller that keeps other things in that register:
 * its code is in a file, and calls there. */
enum frame_pointer frame_pointer_last_step(
	const struct code *code, struct copy *copy, struct regs *regs);

/* Whether the frame, found by such a step, is the outermost: the ABI (System V, 3.4.1) has its rbp
 * zero. So can a register be that holds data; thus its code must clear rbp before the call. */
int frame_pointer_is_root(const struct code *code, const struct regs *regs);

#endif
