/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>

#include "unwind/entry.h"

/* glibc's loader takes 61 bytes, musl's and the start code of programs less. What follows is
 * another function, but there the stack tells. */
#define ENTRY_BYTES 64u
#define PUSHED	    32u	       /* by it: glibc's _start has three words there */
#define ARGS_MAX    (1u << 22) /* the kernel's own ceiling is lower: 6 MiB of pointers and strings */

int entry_holds(const struct module *m, uint64_t vaddr)
{
	GElf_Ehdr header;

	return gelf_getehdr(module_elf(m), &header) && header.e_entry &&
	       vaddr - header.e_entry < ENTRY_BYTES;
}

/* System V ABI, figure 3.9: argc, the arguments, whose strings lie farther up, and a zero. */
static int are_arguments(struct copy *copy, uint64_t at)
{
	uint64_t n, first, end;

	if (copy_word(copy, at, &n) < 0 || copy_word(copy, at + 8, &first) < 0)
		return 0;
	if (!n || n > ARGS_MAX || first <= at + 8 * (n + 1))
		return 0;
	/* So many arguments that the copy does not reach behind them. */
	return copy_word(copy, at + 8 * (n + 1), &end) < 0 || !end;
}

int entry_is_outermost(struct copy *copy, uint64_t sp)
{
	for (uint64_t at = sp; at <= sp + PUSHED; at += 8)
		if (are_arguments(copy, at))
			return 1;
	return 0;
}
