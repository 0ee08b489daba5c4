/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>

#include "unwind/expression.h"
#include "unwind/full_step.h"

/* What a caller can count on after a call: all else is clobbered. */
#define CALLEE_SAVED                                                                               \
	(DWREG_BIT(DWREG_RBX) | DWREG_BIT(DWREG_RBP) | DWREG_BIT(DWREG_R12) |                      \
		DWREG_BIT(DWREG_R13) | DWREG_BIT(DWREG_R14) | DWREG_BIT(DWREG_R15) |               \
		DWREG_BIT(DWREG_RSP) | DWREG_BIT(DWREG_PC))

static enum stack_end expression_end(enum expression_result why)
{
	return why == EXPRESSION_UNREADABLE    ? STACK_UNREADABLE
	       : why == EXPRESSION_NO_REGISTER ? STACK_NO_REGISTER
					       : STACK_NO_CFI;
}

/* gcc says of a realigned frame that rbp is saved where rbp points, also where it has been popped:
 * then it is the caller's, and points out of the frame. */
static int is_popped(const struct regs *regs, const struct ops *ops, uint64_t at, uint64_t cfa)
{
	return ops->n == 2 && ops->v[1].atom == DW_OP_breg0 + DWREG_RBP &&
	       (at < regs->r[DWREG_RSP] || at >= cfa);
}

/* One register of a full rule. 0, or why not. */
static enum stack_end full_register(const struct ops *ops, int number, uint64_t cfa,
	struct copy *copy, const struct regs *regs, uint64_t *out)
{
	enum expression_result got;

	/* DW_CFA_register: the value is in another register. */
	if (ops->n == 1 && ops->v[0].atom == DW_OP_regx) {
		if (ops->v[0].number >= REGS_COUNT || !(regs->known & DWREG_BIT(ops->v[0].number)))
			return STACK_NO_REGISTER;
		*out = regs->r[ops->v[0].number];
		return STACK_DONE;
	}
	got = expression_run(ops->v, ops->n, regs, &cfa, copy, out);
	if (got == EXPRESSION_ADDRESS && number == DWREG_RBP && is_popped(regs, ops, *out, cfa)) {
		*out = regs->r[DWREG_RBP];
		return STACK_DONE;
	}
	if (got == EXPRESSION_ADDRESS)
		return copy_word(copy, *out, out) < 0 ? STACK_UNREADABLE : STACK_DONE;
	return got == EXPRESSION_VALUE ? STACK_DONE : expression_end(got);
}

enum stack_end full_step(const struct full_rule *full, struct copy *copy, struct regs *regs)
{
	struct regs next = {.known = 0};
	uint64_t cfa;
	enum expression_result got =
		expression_run(full->cfa.v, full->cfa.n, regs, NULL, copy, &cfa);
	if (got != EXPRESSION_VALUE && got != EXPRESSION_ADDRESS)
		return expression_end(got);
	for (int i = 0; i < REGS_COUNT; i++) {
		const struct ops *ops = &full->r[i];
		enum stack_end end = STACK_NO_REGISTER;
		if (ops->is_same && (regs->known & CALLEE_SAVED & DWREG_BIT(i))) {
			next.r[i] = regs->r[i];
			end = STACK_DONE;
		} else if (ops->n) {
			end = full_register(ops, i, cfa, copy, regs, &next.r[i]);
		}
		if (end == STACK_DONE)
			next.known |= DWREG_BIT(i);
		else if (i == DWREG_PC)
			return end;
	}
	/* The ABI's: where nothing is said the caller's sp is the CFA. */
	if (!full->r[DWREG_RSP].n) {
		next.r[DWREG_RSP] = cfa;
		next.known |= DWREG_BIT(DWREG_RSP);
	}
	if (!(next.known & DWREG_BIT(DWREG_RSP)))
		return STACK_NO_REGISTER;
	*regs = next;
	return STACK_DONE;
}
