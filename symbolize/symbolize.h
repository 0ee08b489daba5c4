/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for addresses of one module, the fallback order in one place: for the function at the
 * address the symbol table's linkage name first (it knows C1/C2 and clones), then DWARF's; file,
 * line and inlined functions from DWARF. Lines come innermost first, the physical function last.
 *
 * The symbol table, the debug sections, the ranges of the units and the names of one module are
 * kept until another module is asked for, what is read of a unit until its addresses are answered.
 */
#ifndef SYMBOLIZE_SYMBOLIZE_H
#define SYMBOLIZE_SYMBOLIZE_H

#include "base/message.h"
#include "symbolize/debug_info.h"
#include "symbolize/modules.h"
#include "symbolize/names.h"
#include "symbolize/symtab.h"

struct symbolizer {
	struct modules *modules; /* borrowed */
	struct module *current;
	struct symtab symtab;
	struct debug_info dwarf; /* of current */
	int has_symtab, has_dwarf;
	struct names names; /* of current */
	Elf *debug;	    /* the debug file whose symbols are in symtab */
	void (*beat)(void *arg);
	void *arg;
};

/* Called once per offset, in the order asked; n 0: nothing is known. lines and their strings are
 * borrowed during the call. Not 0 ends the request. */
typedef int symbolize_emit(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n);

/* beat (or NULL) is called in the course of a request, at least once per compile unit: a large
 * module takes its time. */
void symbolizer_init(
	struct symbolizer *s, struct modules *modules, void (*beat)(void *arg), void *arg);
void symbolizer_fini(struct symbolizer *s);

/* ask->n file offsets. 0, -ENOMEM, or what emit answered. A module that is not there or not
 * readable answers n = 0 for each. */
int symbolizer_request(struct symbolizer *s, const struct worker_symbolize *ask,
	const uint64_t *offsets, symbolize_emit *emit, void *arg);

#endif
