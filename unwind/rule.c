/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/rule.h"

#include "symbolize/go_stacks.h"

#define CFA_MOST    (1 << 18)
#define RBP_MOST    0xfc
#define LOWEST_MOST 0x7f8

static int fits(int32_t n, int32_t least, int32_t most)
{
	return n >= least && n <= most && n % 8 == 0;
}

uint32_t rule_brief(const struct rule *rule)
{
	const uint16_t rbp = DWREG_BIT(DWREG_RBP);
	int lowest = -8 - rule->lowest;
	int below = rule->restored & rbp ? -8 - rule->saved[SAVED_RBP] : 0;

	if (rule->kind != RULE_PLAIN || rule->is_signal || rule->place != GO_ELSEWHERE ||
		(rule->cfa_register != DWREG_RSP && rule->cfa_register != DWREG_RBP))
		return 0;
	if (rule->ra_offset != -8 || rule->highest != -8 || !fits(below, 0, RBP_MOST) ||
		!fits(lowest, 0, LOWEST_MOST) || !fits(rule->cfa_offset, -CFA_MOST, CFA_MOST - 8))
		return 0;
	return ((rule->restored | rule->same) & rbp ? 0 : 1) |
	       (rule->cfa_register == DWREG_RBP ? 2 : 0) | below | lowest << 5 |
	       (uint32_t)rule->cfa_offset << 13;
}
