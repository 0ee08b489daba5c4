/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One debugging information entry: those of its attributes that are of use here, and the names that
 * it has of its own or by reference to its abstract origin or its declaration.
 */
#ifndef SYMBOLIZE_DWARF_DIE_H
#define SYMBOLIZE_DWARF_DIE_H

#include "symbolize/dwarf/unit.h"

struct die {
	uint64_t offset;
	const struct abbrev *abbrev; /* of the unit; NULL: the end of a list of children */
	uint32_t has;		     /* bit per enum slot: which values are there */
	struct value v[SLOTS];
};

/* Reads the values of a DIE whose code was read; c stands behind that. */
void die_read_values(
	struct unit *u, const struct abbrevs *abbrevs, struct cursor *c, struct die *out);

/* The same, of the DIE at that offset. 0 or -EINVAL. */
int die_read(struct unit *u, uint64_t offset, struct die *out);

static inline int die_has(const struct die *d, enum slot slot)
{
	return (d->has >> slot & 1) != 0;
}

struct die_name {
	const char *linkage, *plain; /* or NULL; owned by the file */
	uint32_t decl_line;	     /* or 0 */
};

/* What a function is called and where it was declared, following references. */
void die_name(struct unit *u, uint64_t offset, struct die_name *out);

#endif
