/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over frames whose rules are brief (unwind/rule.h), as nearly all are: only pc, sp and
 * rbp are followed, by what the cache's places say. All else is left to unwind/unwind.c, which
 * finds the other registers by walking over the same frames again, in the rare case that they
 * matter.
 */
#ifndef UNWIND_QUICK_H
#define UNWIND_QUICK_H

#include "unwind/copy.h"
#include "unwind/ground.h"

struct places;

struct quick {
	uint64_t pc, sp, rbp;
	uint32_t has_rbp; /* rbp is known */
	uint32_t flags;	  /* enum frame_flag: how we came to pc */
};

/* Where a thread's last walk found return addresses. Most are still there the next time: these are
 * fetched at once, instead of one after the other. */
#define TRAIL_MOST 128u

struct trail {
	uint64_t at[TRAIL_MOST]; /* addresses; of a deeper stack the outermost */
	uint32_t n;
};

void trail_fetch(const struct trail *trail, const struct slice *stack);

/* Adds frames to out, up to the first (not added) that has no brief rule here. */
void quick_walk(struct quick *q, const struct places *places, struct ground *ground,
	struct slice *stack, struct stack *out, struct trail *trail);

#endif
