/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/frame_pointer.h"

#define KNOWN (1u << DWREG_RSP | 1u << DWREG_RBP | 1u << DWREG_PC)

/* How far into a function its return address may still be on top of the stack: sets of pushes come
 * later than the first few instructions; a PLT entry is 16 bytes. */
#define ENTRY_BYTES 16u

const struct mapping *frame_pointer_mapping(const struct maps *maps, uint64_t pc)
{
	uint32_t low = 0, high = maps->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (maps->v[middle].end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->n && pc >= maps->v[low].start ? &maps->v[low] : NULL;
}

/* The n bytes of code before address, or NULL: no such code, or memory without a file. */
static const unsigned char *code_before(const struct modules *modules, const struct maps *maps,
	uint64_t address, size_t n, int *has_file)
{
	const struct mapping *map = frame_pointer_mapping(maps, address - 1);

	*has_file = 1;
	if (!map || address - map->start < n)
		return NULL;
	const struct module *m = modules_get(modules, map->module);
	if (!m || !module_is_readable(m)) {
		*has_file = 0;
		return NULL;
	}
	return module_bytes(m, address - n - map->start + map->offset, n);
}

/* call *reg, call *mem in all their lengths: ff /2 ending at p + 7. */
static int is_indirect_call(const unsigned char *p)
{
	for (int length = 2; length <= 7; length++) {
		const unsigned char *at = p + 7 - length;
		if (at[0] != 0xff || (at[1] & 0x38) != 0x10)
			continue;
		int mod = at[1] >> 6, rm = at[1] & 7;
		int has_sib = mod != 3 && rm == 4;
		int displacement = mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
		if (mod == 0 && has_sib && length > 2 && (at[2] & 7) == 5)
			displacement = 4;
		if (length == 2 + has_sib + displacement)
			return 1;
	}
	return 0;
}

/* Memory without a file (JIT code) cannot be looked at: there the mapping is all that is asked. */
static int is_return_address(
	const struct modules *modules, const struct maps *maps, uint64_t address)
{
	int has_file;

	if (!frame_pointer_mapping(maps, address - 1))
		return 0;
	const unsigned char *p = code_before(modules, maps, address, 7, &has_file);
	if (!p)
		return !has_file;
	return p[2] == 0xe8 || is_indirect_call(p);
}

/* Whether a direct call before `address` goes to the instructions just before pc. */
static int calls_here(
	const struct modules *modules, const struct maps *maps, uint64_t address, uint64_t pc)
{
	int has_file;
	int32_t distance;
	const unsigned char *p = code_before(modules, maps, address, 5, &has_file);

	if (!p || p[0] != 0xe8)
		return 0;
	memcpy(&distance, p + 1, sizeof(distance));
	return pc - (address + distance) < ENTRY_BYTES;
}

static int entry_step(const struct modules *modules, const struct maps *maps, struct copy *copy,
	struct regs *regs)
{
	uint64_t sp = regs->r[DWREG_RSP], address;

	if (copy_word(copy, sp, &address) < 0 ||
		!calls_here(modules, maps, address, regs->r[DWREG_PC]))
		return -1;
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = sp + 8;
	regs->known &= KNOWN;
	return 0;
}

int frame_pointer_step(const struct modules *modules, const struct maps *maps, int is_leaf,
	struct copy *copy, struct regs *regs)
{
	uint64_t bp = regs->r[DWREG_RBP], saved, address;

	if (is_leaf && entry_step(modules, maps, copy, regs) == 0)
		return 0;
	if (!(regs->known & 1u << DWREG_RBP) || bp < regs->r[DWREG_RSP] || (bp & 7))
		return -1;
	if (copy_word(copy, bp, &saved) < 0 || copy_word(copy, bp + 8, &address) < 0)
		return -1;
	if ((saved && saved <= bp) || !is_return_address(modules, maps, address))
		return -1;
	regs->r[DWREG_PC] = address;
	regs->r[DWREG_RSP] = bp + 16;
	regs->r[DWREG_RBP] = saved;
	regs->known &= KNOWN;
	return 0;
}
