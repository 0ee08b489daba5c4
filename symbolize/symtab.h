/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of one module by address, from .symtab of the image and of its separate debug file,
 * and from .dynsym; sorted once.
 *
 * Where several symbols name an address, the one that people know is kept: exported before local,
 * fewer leading underscores, global before weak, shorter.
 */
#ifndef SYMBOLIZE_SYMTAB_H
#define SYMBOLIZE_SYMTAB_H

#include "symbolize/module.h"

struct symtab_entry {
	uint64_t start, size; /* size 0: unknown, up to the next symbol */
	const char *name;     /* owned by the module's image */
	uint8_t rank;
};

struct symtab {
	struct symtab_entry *v;
	uint32_t n, room;
};

/* 0 or -ENOMEM. A module without symbols gives an empty table. */
int symtab_init(struct symtab *t, const struct module *m);
void symtab_fini(struct symtab *t);

/* The function at that virtual address; NULL if none covers it. */
const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr);

#endif
