/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that comes from the linker or the C library's and compiler's start files, often without
 * unwind information: stubs of the PLT (lld's, those of static programs), _init and _fini, what
 * calls the destructors of a library that is closed. There is little of it, of few forms, so how
 * its stack looks is known and not guessed.
 */
#ifndef UNWIND_STUBS_H
#define UNWIND_STUBS_H

#include "symbolize/module.h"

struct stub {
	int base;      /* DWREG_RSP or DWREG_RBP */
	int offset;    /* of the CFA from that register */
	int saves_rbp; /* at CFA - 16; all other registers are the caller's */
};

/* 0, or -1 if there is no such code at vaddr. */
int stubs_find(const struct module *m, uint64_t vaddr, struct stub *out);

#endif
