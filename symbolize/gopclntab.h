/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go's own table of functions (.gopclntab), which every Go program carries, stripped ones too:
 * names, files, lines, inlined functions and how far the stack pointer is from the return address.
 *
 * Layouts of Go 1.18 to 1.19 and of 1.20 and later: runtime/symtab.go (pcHeader, moduledata),
 * runtime/runtime2.go (_func), runtime/symtabinl.go (inlinedCall). Older ones are not read. All
 * offsets in it are checked when they are used; the strings returned are the module's.
 */
#ifndef SYMBOLIZE_GOPCLNTAB_H
#define SYMBOLIZE_GOPCLNTAB_H

#include <stddef.h>
#include <stdint.h>

struct module;

struct gopclntab;

/* How a function treats its stack (internal/abi.FuncFlag). */
enum go_flag {
	GO_ROOT = 1,	 /* nothing called it */
	GO_MOVES_SP = 2, /* to another stack: what lies above its frame is not its caller's */
};

struct go_function {
	uint64_t start, end; /* vaddrs */
	const char *name;
	uint32_t flags;	     /* enum go_flag */
	uint32_t start_line; /* 0: not known */
	uint32_t at;	     /* offset of its struct _func */
};

struct go_range {
	uint64_t start, end; /* vaddrs */
};

/* One line of an address, innermost function first. */
struct go_line {
	const char *name, *file; /* file: NULL if it is not known */
	uint32_t line, start_line;
};

/* The module's, or NULL if it has none that can be read (or there is no memory). */
struct gopclntab *gopclntab_new(const struct module *m);
void gopclntab_free(struct gopclntab *t);

/* 0, or -ENOENT if no function covers the virtual address. */
int gopclntab_find(const struct gopclntab *t, uint64_t vaddr, struct go_function *out);

/* The first of that name. Looks at all functions. 0 or -ENOENT. */
int gopclntab_find_name(const struct gopclntab *t, const char *name, struct go_function *out);

/* Bytes between the stack pointer and the return address at vaddr, and where that is so (may be
 * NULL); -1: not known. */
int32_t gopclntab_depth(const struct gopclntab *t, const struct go_function *f, uint64_t vaddr,
	struct go_range *where);

/* What was inlined at vaddr, then the function itself; at most max lines, of which the last is
 * always the function's. How many, at least one. */
uint32_t gopclntab_lines(const struct gopclntab *t, const struct go_function *f, uint64_t vaddr,
	struct go_line *out, uint32_t max);

#endif
