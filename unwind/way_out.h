/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code without unwind information: how it will leave its function. From an instruction on, along
 * jumps and over calls, to the nearest return: what is popped until then says where the return
 * address lies and where the caller's registers are.
 *
 * A guess all the same: a call that never returns, followed by another function, leads astray.
 * Whoever uses it has to look whether what is found is a return address.
 */
#ifndef UNWIND_WAY_OUT_H
#define UNWIND_WAY_OUT_H

#include "symbolize/module.h"

#define WAY_OUT_SAME	INT32_MIN
#define WAY_OUT_UNKNOWN (INT32_MIN + 1)

struct way_out {
	int base;	   /* DWREG_RSP or DWREG_RBP */
	int32_t cfa;	   /* offset from it, below 1 GiB as all others */
	int32_t saved[16]; /* by DWARF number: offset from the CFA, or one of the above */
};

/* Behind the system call of clone, where glibc ends its unwind information for the child's sake:
 * its creator only looks at the result and returns. No guess. */
int way_out_is_of_creator(const struct module *m, uint64_t offset);

/* offset: in the file, of the instruction that comes next. 0, or -1: no return was found. */
int way_out_find(const struct module *m, uint64_t offset, struct way_out *out);

#endif
