/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps without unwind information, each one a guess that is validated: the return address must lie
 * in executable memory behind a call instruction. The stack is never scanned, but for functions
 * that never return.
 */
#ifndef UNWIND_GUESS_H
#define UNWIND_GUESS_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

enum guess {
	GUESS_FOUND,
	GUESS_NONE,	  /* nothing valid: regs are unchanged */
	GUESS_UNREADABLE, /* there may be a frame where a larger copy would reach */
};

/* The frame that is to be left. */
struct guess_from {
	uint32_t came;		    /* enum frame_flag: how the walk came to it */
	int has_module;		    /* its code is in a file */
	const unsigned char *at_pc; /* CODE_BYTES around its pc (output/types.h); NULL: not here */
};

/* Moves regs to the caller, by the first of these that is valid, for they get less certain:
 *   over the return address alone, where the code around pc shows that there is no frame, yet or
 *     any more;
 *   over the word at sp, if the instruction before the address that it holds calls the present
 *     function (its first instructions, a PLT entry, a leaf function), else along rbp;
 *   where the code is in no file:
 *     over one word of padding, if unwind information led here, exactly: all that python's
 *       trampolines have (Python/asm_trampoline.S);
 *     along rbp to a caller that keeps other things in that register: it is in a file, and calls
 *       there.
 * Afterwards only pc, rsp and rbp are known. */
enum guess guess_step(const struct code *code, const struct guess_from *from, struct copy *copy,
	struct regs *regs);

/* A function that never returns, to its caller: the first word above sp that is a return address
 * has to be behind a direct call to this very function, or behind one of the code in which all
 * stacks begin (guess_is_root). 0, or -1: it is not, regs are unchanged. */
int guess_no_return(const struct code *code, struct copy *copy, struct regs *regs);

/* Whether the frame, found by such a step, is the outermost: the ABI (System V, 3.4.1) has its rbp
 * zero. So can a register be that holds data; thus its code must clear rbp before the call. */
int guess_is_root(const struct code *code, const struct regs *regs);

#endif
