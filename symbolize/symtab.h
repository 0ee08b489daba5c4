/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions, or the variables, of one module by address, from .symtab of the image and of its
 * separate debug file, of .gnu_debugdata, and from .dynsym; sorted once. Stubs of the PLT have the
 * name of what they jump to.
 *
 * Where several symbols name an address, the one that people know is kept: functions before labels,
 * exported before local, fewer leading underscores, global before weak, shorter.
 */
#ifndef SYMBOLIZE_SYMTAB_H
#define SYMBOLIZE_SYMTAB_H

#include "symbolize/module.h"

struct symtab_entry {
	uint64_t start, end;
	const char *name; /* owned by the module's image */
	uint8_t rank;	  /* enum symtab_rank, in symtab.c */
	uint8_t is_plt;	  /* a stub that jumps to the function of that name */
};

struct symtab {
	struct symtab_entry *v;
	uint32_t n, room;
	int of_data;
};

/* 0 or -ENOMEM. A module without symbols gives an empty table. */
int symtab_init(struct symtab *t, struct module *m);

/* The same of its variables: not those that each thread has one of. An image without section
 * headers has none. */
int symtab_init_data(struct symtab *t, struct module *m);
void symtab_fini(struct symtab *t);

/* The function, or variable, at that virtual address; NULL if none covers it. */
const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr);

#endif
