/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "agent/tracer/sigframe.h"
#include "base/limits.h"

/* struct rt_sigframe of arch/x86/include/asm/sigframe.h: the trampoline's address, struct ucontext
 * (uc_flags, uc_link, uc_stack, sigcontext, ...), siginfo. */
struct frame {
	uint64_t trampoline;
	uint64_t flags, link;
	uint64_t stack, stack_flags, stack_size; /* the alternate stack as it was set up */
	uint64_t regs[15], sp, pc, eflags;
	uint64_t segments; /* cs, gs, fs, ss */
	uint64_t err, trapno, oldmask, cr2, fpstate;
};

/* What 64-bit user code runs with. Nothing else on a stack looks like it, so this one word is
 * enough to look for. */
#define SEGMENTS    0x002b000000000033ull
#define SEGMENTS_AT offsetof(struct frame, segments)

/* The frame's address is 8 above a multiple of 16, and so is that of its segments. */
#define ALIGN 16u

/* Handlers are not deep, and each word costs time in the stop: 23 ns a KiB. */
#define DEPTH_MAX (64 * KIB)

#define FLAGS_MAX 7u /* UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */

/* As the kernel sees it: an empty stack begins behind its last byte. */
static int is_within(const struct frame *f, uint64_t address)
{
	return address > f->stack && address - f->stack <= f->stack_size;
}

/* The kernel put it there for a thread that now is at sp (in the trampoline behind its first word),
 * and was not on this stack before: a second signal's frame leads back to the first one's handler.
 */
static int is_entry(const struct frame *f, uint64_t at, uint64_t sp)
{
	return f->trampoline && f->flags <= FLAGS_MAX && !f->link && at + 8 >= sp &&
	       is_within(f, at) && is_within(f, sp) && f->fpstate > at &&
	       is_within(f, f->fpstate) && !is_within(f, f->sp);
}

uint64_t sigframe_interrupted(const unsigned char *bytes, size_t n, uint64_t base, uint64_t sp)
{
	size_t at = (ALIGN - 8 - base) % ALIGN + SEGMENTS_AT;

	if (n > DEPTH_MAX)
		n = DEPTH_MAX;
	for (; at < n && n - at >= sizeof(struct frame) - SEGMENTS_AT; at += ALIGN) {
		uint64_t word;
		struct frame f;
		memcpy(&word, bytes + at, sizeof(word));
		if (word != SEGMENTS)
			continue;
		memcpy(&f, bytes + at - SEGMENTS_AT, sizeof(f));
		if (is_entry(&f, base + at - SEGMENTS_AT, sp))
			return f.sp;
	}
	return 0;
}
