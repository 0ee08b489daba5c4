/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of one compile unit that cover given addresses: the subprogram and what was inlined
 * into it, by one walk over the unit's DIEs that leaves out what no address needs.
 *
 * The walk enters declarations without code, too: gcc puts the body of a lambda under a class in an
 * abstract subprogram. Depth and number of DIEs are bounded.
 */
#ifndef SYMBOLIZE_INLINES_H
#define SYMBOLIZE_INLINES_H

#include <elfutils/libdw.h>
#include <stdint.h>

struct inlines_scope {
	Dwarf_Die die;
	int32_t parent; /* the scope around it, in inlines.scopes; -1: none */
};

struct inlines {
	struct inlines_scope *scopes;
	uint32_t n, room;
	const uint64_t *vaddrs; /* sorted; borrowed until inlines_fini */
	int32_t *innermost;	/* of each address, in scopes; -1: none */
	uint32_t *depths;	/* of each address's innermost */
	uint32_t n_vaddrs;
};

/* 0 or -ENOMEM. */
int inlines_init(struct inlines *x, Dwarf_Die *unit, const uint64_t *vaddrs, uint32_t n);
void inlines_fini(struct inlines *x);

/* What a scope is called: linkage name, else plain name, else NULL; owned by the Dwarf. */
const char *inlines_name(const struct inlines_scope *scope);

/* The line on which the function is declared, or 0. */
uint32_t inlines_start_line(const struct inlines_scope *scope);

/* Whether the function was inlined; then where it was called, in the function around it. */
int inlines_is_inlined(const struct inlines_scope *scope);
void inlines_call_site(
	const struct inlines_scope *scope, Dwarf_Die *unit, const char **file, uint32_t *line);

#endif
