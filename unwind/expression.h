/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF expressions as they occur in unwind rules (DWARF 5, section 2.5): a bounded stack machine.
 *
 * At most EXPRESSION_STEPS operations and EXPRESSION_DEPTH words; an operation that unwinding has
 * no use for, a register without a value or a read outside the copy ends it with an error.
 */
#ifndef UNWIND_EXPRESSION_H
#define UNWIND_EXPRESSION_H

#include <elfutils/libdw.h>

#include "output/types.h"
#include "unwind/copy.h"

#define EXPRESSION_STEPS 1000u
#define EXPRESSION_DEPTH 64u

enum expression_result {
	EXPRESSION_VALUE,   /* *out is the value */
	EXPRESSION_ADDRESS, /* *out is where the value is stored */
	EXPRESSION_UNREADABLE,
	EXPRESSION_NO_REGISTER,
	EXPRESSION_BAD,
};

/* cfa: the value of DW_OP_call_frame_cfa, or NULL where there is none yet. */
enum expression_result expression_run(const Dwarf_Op *ops, size_t n, const struct regs *regs,
	const uint64_t *cfa, struct copy *copy, uint64_t *out);

#endif
