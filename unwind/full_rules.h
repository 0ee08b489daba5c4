/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules with DWARF expressions, for any register: real programs have one to twenty, at many
 * addresses (one for each instruction of a PLT). Equal ones are kept once.
 */
#ifndef UNWIND_FULL_RULES_H
#define UNWIND_FULL_RULES_H

#include <elfutils/libdw.h>

#include "base/index.h"
#include "output/types.h"

struct ops {
	Dwarf_Op *v;
	uint32_t n;
	uint32_t is_same, is_undefined;
};

struct full_rule {
	struct ops cfa;
	struct ops r[REGS_COUNT]; /* by DWARF register number */
};

struct full_rules {
	struct full_rule *v;
	uint32_t n, room;
	struct index by_ops;
};

void full_rules_fini(struct full_rules *full);

/* libdw (0.188) has rax where the ABI has rbx among the registers that calls preserve, and so calls
 * rbx undefined where nothing is said of it. That is "same value" here. An explicit
 * DW_CFA_undefined for rbx looks no different and is taken for the same: compilers do not write it,
 * and a wrong rbx matters only to a caller whose rule needs it. */

/* The number of the frame's rule; -1 if it has none, or there is no memory. */
long full_rules_number(struct full_rules *full, Dwarf_Frame *frame);

#endif
