/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/frame_pointer.h"

#define KNOWN (1u << DWREG_RSP | 1u << DWREG_RBP | 1u << DWREG_PC)

/* How far into a function its return address may still be on top of the stack: sets of pushes come
 * later than the first few instructions; a PLT entry is 16 bytes. */
#define ENTRY_BYTES 16u

static int entry_step(const struct code *code, struct copy *copy, struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], address, target;

	if (copy_word(copy, sp, &address) < 0 ||
		call_site_before(code, address, &target) != CALL_DIRECT ||
		regs->r[DWREG_PC] - target >= ENTRY_BYTES)
		return -1;
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = sp + 8;
	regs->known &= KNOWN;
	return 0;
}

enum frame_pointer frame_pointer_step(
	const struct code *code, int is_leaf, struct copy *copy, struct regs *regs)
{
	uint64_t bp = regs->r[DWREG_RBP], saved, address, target;

	if (is_leaf && entry_step(code, copy, regs) == 0)
		return FRAME_POINTER_FOUND;
	if (!(regs->known & 1u << DWREG_RBP) || bp < regs->r[DWREG_RSP] || (bp & 7) ||
		bp - copy->base >= LIMIT_STACK_MAX)
		return FRAME_POINTER_NONE;
	if (copy_word(copy, bp, &saved) < 0 || copy_word(copy, bp + 8, &address) < 0)
		return FRAME_POINTER_UNREADABLE;
	if ((saved && saved <= bp) || call_site_before(code, address, &target) == CALL_NONE)
		return FRAME_POINTER_NONE;
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = bp + 16;
	regs->r[DWREG_RBP] = saved;
	regs->known &= KNOWN;
	return FRAME_POINTER_FOUND;
}

int frame_pointer_is_root(const struct code *code, const struct regs *regs)
{
	return (regs->known & 1u << DWREG_RBP) && !regs->r[DWREG_RBP] &&
	       call_site_clears_rbp(code, regs->r[DWREG_PC]);
}
