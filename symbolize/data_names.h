/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of variables by their address in a process, whose mappings of code tell where each
 * module lies.
 *
 * The table of one module is kept until another one is asked for: who asks in the order of
 * addresses asks for each module once.
 */
#ifndef SYMBOLIZE_DATA_NAMES_H
#define SYMBOLIZE_DATA_NAMES_H

#include "symbolize/modules.h"
#include "symbolize/names.h"
#include "symbolize/symtab.h"

/* Zero-initialized is empty. */
struct data_names {
	struct module *current;
	Elf *debug; /* the debug file whose symbols are in symtab */
	struct symtab symtab;
	struct names names;
	void (*reading)(void *arg, uint32_t module); /* before a module's file is read; NULL */
	void *arg;
};

void data_names_fini(struct data_names *d);

/* The variable's name, demangled as asked; *offset is that of the address in it. NULL: none is
 * known. It lives until the next call. */
const char *data_names_find(struct data_names *d, const struct modules *modules,
	const struct maps *maps, uint64_t address, enum demangle_level level, uint64_t *offset);

#endif
