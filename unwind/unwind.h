/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture becomes a stack of frames, from the copied bytes alone.
 *
 * Never fails: whatever stops it becomes the stack's end reason. A register that is not known is
 * never used; the leaf side is kept when there are more than LIMIT_FRAMES frames.
 */
#ifndef UNWIND_UNWIND_H
#define UNWIND_UNWIND_H

#include "symbolize/modules.h"
#include "unwind/quick.h"
#include "unwind/rules.h"

#define UNWINDER_TRAILS 8u

struct unwinder {
	struct modules *modules; /* borrowed */
	struct rules *rules;	 /* borrowed */
	/* Told before a module's file is looked into, and after it with 0. */
	void (*reading)(void *arg, uint32_t module);
	void *arg;
	struct trail trails[UNWINDER_TRAILS]; /* by thread; begin as zeros */
};

/* need: how many bytes above the stack pointer were read, or would have been had they been there,
 * on that of the two stacks where it was more. */
void unwind_capture(struct unwinder *u, const struct capture *capture, const struct maps *maps,
	struct stack *out, uint64_t *need);

#endif
