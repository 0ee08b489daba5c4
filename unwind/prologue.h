/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame pointer of a function whose caller-visible rbp is not known, from its prologue: a
 * thread that was read without a stop has only pc and sp.
 *
 * After "push %rbp; mov %rsp,%rbp" come the pushes of other saved registers (the CFI says down to
 * where they reach) and one "sub $imm,%rsp"; so rbp = sp + imm + pushes. The result counts only if
 * the word above it is a return address behind a call, and a direct call must go to this very
 * function. alloca and pushed arguments fail that test: then rbp stays unknown.
 */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

enum prologue {
	PROLOGUE_NONE,
	PROLOGUE_SURE,	 /* a direct call to this function lies behind it */
	PROLOGUE_LIKELY, /* an indirect call, or one through a PLT */
};

/* The frame at file offset of the module mapped by map, its stack pointer, and the bytes below rbp
 * that its pushes take. */
enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t sp, uint64_t pushed, struct copy *copy, uint64_t *rbp);

#endif
