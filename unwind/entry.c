/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>

#include "unwind/entry.h"

/* glibc's loader takes 61 bytes, musl's and the start code of programs less. What follows is
 * another function, but there the stack tells. */
#define ENTRY_BYTES 64u
#define ARGS_MAX    (1u << 22) /* the kernel's own ceiling is lower: 6 MiB of pointers and strings */

int entry_holds(const struct module *m, uint64_t vaddr)
{
	GElf_Ehdr header;

	return gelf_getehdr(module_elf(m), &header) && header.e_entry &&
	       vaddr - header.e_entry < ENTRY_BYTES;
}

/* System V ABI, figure 3.9: argc, the arguments, whose strings lie farther up, and a zero. */
int entry_is_outermost(struct copy *copy, uint64_t sp)
{
	uint64_t n, first, end;

	if (copy_word(copy, sp, &n) < 0 || copy_word(copy, sp + 8, &first) < 0)
		return 0;
	if (!n || n > ARGS_MAX || first <= sp + 8 * (n + 1))
		return 0;
	/* So many arguments that the copy does not reach behind them. */
	return copy_word(copy, sp + 8 * (n + 1), &end) < 0 || !end;
}
