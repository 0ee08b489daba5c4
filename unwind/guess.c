/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/frameless.h"
#include "unwind/guess.h"

#define KNOWN (DWREG_BIT(DWREG_RSP) | DWREG_BIT(DWREG_RBP) | DWREG_BIT(DWREG_PC))

/* How far into a function its return address is on top of the stack for sure: sets of pushes come
 * later than the first few instructions; a PLT entry is 16 bytes. */
#define ENTRY_BYTES 16u

/* And in a function without a frame at all: leaf functions are short. */
#define LEAF_BYTES 4096u
#define NO_CALL	   UINT64_MAX

/* What a function that never returns may have on its stack: exit, the C library's start. */
#define NO_RETURN_BYTES 256u

/* How many bytes before pc the function begins that is called right before address. Behind a stub
 * of the PLT it may be anywhere. */
static uint64_t called_before_pc(const struct code *code, uint64_t address, uint64_t pc)
{
	uint64_t target;

	if (call_site_before(code, address, &target) != CALL_DIRECT)
		return NO_CALL;
	if (pc - target < LEAF_BYTES)
		return pc - target;
	return call_site_is_plt(code, target) ? LEAF_BYTES : NO_CALL;
}

/* In the copy, or in a larger one. */
static int is_near(const struct copy *copy, uint64_t address)
{
	return address - copy->stack.base < LIMIT_STACK_MAX ||
	       (copy->other.len && address - copy->other.base < LIMIT_STACK_MAX);
}

static int has_frame_pointer(const struct copy *copy, const struct regs *regs)
{
	uint64_t bp = regs->r[DWREG_RBP];

	return (regs->known & DWREG_BIT(DWREG_RBP)) && bp >= regs->r[DWREG_RSP] && !(bp & 7) &&
	       is_near(copy, bp);
}

/* Over the return address at sp, which is this one; of what else the caller kept only rbp is known.
 */
static void return_over(struct regs *regs, uint64_t sp, uint64_t address)
{
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = sp + 8;
	regs->known &= KNOWN;
}

/* The word at sp may have been left by an earlier call: if the frame at rbp fits the present
 * function as well or better, it is its own. */
static int entry_step(const struct code *code, struct copy *copy, struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], pc = regs->r[DWREG_PC], address, other;

	if (copy_word(copy, sp, &address) < 0)
		return -1;
	uint64_t distance = called_before_pc(code, address, pc);
	if (distance == NO_CALL)
		return -1;
	if (distance >= ENTRY_BYTES && has_frame_pointer(copy, regs) &&
		copy_word(copy, regs->r[DWREG_RBP] + 8, &other) == 0 &&
		called_before_pc(code, other, pc) <= distance)
		return -1;
	return_over(regs, sp, address);
	return 0;
}

/* Over the frame at rbp. What was saved there is a frame pointer again, or only a register of a
 * caller that has none: then its call must be seen. */
static enum guess link_step(
	const struct code *code, int is_last, struct copy *copy, struct regs *regs)
{
	uint64_t bp = regs->r[DWREG_RBP], saved, address, target;

	if (!has_frame_pointer(copy, regs))
		return GUESS_NONE;
	if (copy_word(copy, bp, &saved) < 0 || copy_word(copy, bp + 8, &address) < 0)
		return GUESS_UNREADABLE;
	enum call_site site = call_site_before(code, address, &target);
	if (site == CALL_NONE || (is_last ? site == CALL_UNSEEN : saved && saved <= bp))
		return GUESS_NONE;
	return_over(regs, bp + 8, address);
	regs->r[DWREG_RBP] = saved;
	return GUESS_FOUND;
}

static enum guess frameless_step(
	const struct code *code, const unsigned char *at_pc, struct copy *copy, struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], address, target;
	int above = frameless_return(at_pc);

	if (above < 0 || copy_word(copy, sp + above, &address) < 0 ||
		call_site_before(code, address, &target) == CALL_NONE)
		return GUESS_NONE;
	return_over(regs, sp + above, address);
	return GUESS_FOUND;
}

static enum guess padded_step(const struct code *code, struct copy *copy, struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], address, target;

	if (copy_word(copy, sp + 8, &address) < 0)
		return GUESS_NONE;
	enum call_site site = call_site_before(code, address, &target);
	if (site != CALL_DIRECT && site != CALL_INDIRECT)
		return GUESS_NONE;
	return_over(regs, sp + 8, address);
	return GUESS_FOUND;
}

enum guess guess_step(const struct code *code, const struct guess_from *from, struct copy *copy,
	struct regs *regs)
{
	int is_return = from->came & FRAME_RETURN;
	const unsigned char *at_pc = from->at_pc;
	enum guess found = GUESS_NONE;
	unsigned char in_file[CODE_BYTES];

	if (!is_return && !at_pc && call_site_code(code, regs->r[DWREG_PC], in_file) == 0)
		at_pc = in_file;
	if (at_pc)
		found = frameless_step(code, at_pc, copy, regs);
	if (found == GUESS_NONE && !is_return && entry_step(code, copy, regs) == 0)
		found = GUESS_FOUND;
	if (found == GUESS_NONE)
		found = link_step(code, 0, copy, regs);
	if (found == GUESS_NONE && from->came == FRAME_RETURN && !from->has_module)
		found = padded_step(code, copy, regs);
	if (found == GUESS_NONE && !from->has_module)
		found = link_step(code, 1, copy, regs);
	return found;
}

/* Whether the function that is called before address is the one around pc, which never returns: no
 * return lies between its beginning and pc. */
static int calls_without_return(const struct code *code, uint64_t address, uint64_t pc)
{
	uint64_t target;

	return call_site_before(code, address, &target) == CALL_DIRECT &&
	       pc - target < LEAF_BYTES && call_site_no_return(code, target, pc);
}

int guess_no_return(const struct code *code, struct copy *copy, struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], pc = regs->r[DWREG_PC], at = sp, address, target;

	do {
		if (at == sp + NO_RETURN_BYTES || copy_word(copy, at, &address) < 0)
			return -1;
		at += 8;
	} while (call_site_before(code, address, &target) == CALL_NONE);
	int is_root = call_site_clears_rbp(code, address);
	if (!is_root && !calls_without_return(code, address, pc))
		return -1;
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = at;
	regs->r[DWREG_RBP] = 0;
	regs->known = is_root ? KNOWN : KNOWN & ~DWREG_BIT(DWREG_RBP);
	return 0;
}

int guess_is_root(const struct code *code, const struct regs *regs)
{
	return (regs->known & DWREG_BIT(DWREG_RBP)) && !regs->r[DWREG_RBP] &&
	       call_site_clears_rbp(code, regs->r[DWREG_PC]);
}
