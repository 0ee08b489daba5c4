/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A step from a frame to its caller by a rule that is made of expressions.
 */
#ifndef UNWIND_FULL_STEP_H
#define UNWIND_FULL_STEP_H

#include "unwind/copy.h"
#include "unwind/full_rules.h"

/* regs: the frame's, then the caller's. STACK_DONE, or why not: then they are as before. */
enum stack_end full_step(const struct full_rule *full, struct copy *copy, struct regs *regs);

#endif
