/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of one compile unit that cover given addresses: the subprogram and what was inlined
 * into it, by one scan over the unit's DIEs that reads of most no more than their length.
 *
 * The scan enters declarations without code, too: gcc puts the body of a lambda under a class in an
 * abstract subprogram. Depth is bounded.
 */
#ifndef SYMBOLIZE_INLINES_H
#define SYMBOLIZE_INLINES_H

#include "symbolize/dwarf/die.h"

struct inlines_scope {
	uint64_t die;	/* its offset */
	int32_t parent; /* the scope around it, in inlines.scopes; -1: none */
	uint32_t is_inlined;
	/* Inlined: where it was called, in the function around it. */
	uint32_t call_file; /* in the unit's table of files; UNIT_NO_FILE: not said */
	uint32_t call_line; /* or 0 */
};

struct inlines {
	struct unit *unit; /* borrowed, as are the addresses, until inlines_fini */
	struct inlines_scope *scopes;
	uint32_t n, room;
	const uint64_t *vaddrs; /* sorted */
	int32_t *innermost;	/* of each address, in scopes; -1: none */
	uint32_t *depths;	/* of each address's innermost */
	uint32_t n_vaddrs;
};

/* 0 or -ENOMEM. What is damaged ends the scan early. */
int inlines_init(struct inlines *x, struct unit *unit, const uint64_t *vaddrs, uint32_t n);
void inlines_fini(struct inlines *x);

/* What a scope is called: linkage name, else plain name, else NULL; owned by the unit's file.
 * *decl_line: where it is declared, or 0. */
const char *inlines_name(
	const struct inlines *x, const struct inlines_scope *scope, uint32_t *decl_line);

#endif
