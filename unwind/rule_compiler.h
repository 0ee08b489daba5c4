/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind rule at one code address: .eh_frame is asked first, then .debug_frame of the module
 * itself, then Go's table of functions, which is also asked where a stack begins; last the code.
 * Separate debug files are never opened for unwinding.
 */
#ifndef UNWIND_RULE_COMPILER_H
#define UNWIND_RULE_COMPILER_H

#include "symbolize/module.h"
#include "unwind/full_rules.h"
#include "unwind/rule.h"

/* File offsets at which a rule holds, of return addresses (- 1) and of others alike: of a row of
 * the unwind information, if that alone decides. Never crosses a border of ROW_PAGE bytes. */
struct row {
	uint64_t first, last;
};

#define ROW_PAGE 4096u

/* is_return: offset is a return address - 1. row: at least offset itself; then for that is_return
 * only. */
void rule_compile(struct full_rules *full, struct module *m, uint64_t offset, int is_return,
	struct rule *rule, struct row *row);

#endif
