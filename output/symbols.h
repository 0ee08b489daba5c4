/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the addresses are called: (module, offset) -> lines, innermost inlined function first, the
 * physical function last. Strings are interned; all are made valid UTF-8 when they come in.
 */
#ifndef OUTPUT_SYMBOLS_H
#define OUTPUT_SYMBOLS_H

#include "output/types.h"

struct symbols;

struct symbols *symbols_new(void);	  /* NULL: no memory */
void symbols_free(struct symbols *store); /* for tests: a role ends by _exit */

/* Copies lines. 0, -ENOMEM, or -E2BIG past LIMIT_STRINGS. A second answer for a place takes the
 * place of the first. */
int symbols_add(struct symbols *store, uint32_t module, uint64_t offset, const struct symbol *lines,
	uint32_t n);

/* Borrowed until symbols_free or symbols_add; NULL if nothing is known, then *n is 0. */
const struct symbol *symbols_find(
	const struct symbols *store, uint32_t module, uint64_t offset, uint32_t *n);

#endif
