/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unwind/call_site.h"
#include "base/instruction.h"

#define LONGEST                                                                                    \
	7u /* bytes of the longest call without prefixes: ff /2, SIB, 32-bit displacement          \
	    */

/* From the instruction that clears rbp to behind the call: musl's _start takes 21. */
#define CLEAR_BYTES 32u
#define RUN_BYTES   4096u

const struct mapping *call_site_mapping(const struct maps *maps, uint64_t pc)
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

/* call *reg, call *mem in all their lengths: ff /2 ending at end. */
static int is_indirect_call(const unsigned char *end)
{
	for (int length = 2; length <= (int)LONGEST; length++) {
		const unsigned char *at = end - length;
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

/* n bytes of code at address, which all lie in map; -1 if the file does not have them. */
static int copy_code(const struct code *code, const struct mapping *map, uint64_t address,
	unsigned char *out, size_t n)
{
	const struct module *m = modules_get(code->modules, map->module);
	const unsigned char *bytes =
		m ? module_bytes(m, address - map->start + map->offset, n) : NULL;

	if (!bytes || address < map->start || n > map->end - address)
		return -1;
	code->reading(code->arg, map->module);
	memcpy(out, bytes, n);
	code->reading(code->arg, 0);
	return 0;
}

int call_site_code(const struct code *code, uint64_t pc, unsigned char *out)
{
	const struct mapping *map = call_site_mapping(code->maps, pc);

	return map ? copy_code(code, map, pc - CODE_BEFORE, out, CODE_BYTES) : -1;
}

enum call_site call_site_before(const struct code *code, uint64_t address, uint64_t *target)
{
	const struct mapping *map = call_site_mapping(code->maps, address - 1);
	const struct module *m = map ? modules_get(code->modules, map->module) : NULL;
	unsigned char bytes[LONGEST];
	int32_t distance;

	if (!map || address - map->start < LONGEST)
		return CALL_NONE;
	if (!m || !module_is_readable(m))
		return CALL_UNSEEN;
	if (copy_code(code, map, address - LONGEST, bytes, LONGEST) < 0)
		return CALL_NONE;
	if (bytes[2] == 0xe8) {
		memcpy(&distance, bytes + 3, sizeof(distance));
		*target = address + (int64_t)distance;
		return CALL_DIRECT;
	}
	return is_indirect_call(bytes + LONGEST) ? CALL_INDIRECT : CALL_NONE;
}

/* xor %ebp,%ebp, with a REX prefix or without: _start and the first code of a thread. */
int call_site_clears_rbp(const struct code *code, uint64_t address)
{
	const struct mapping *map = call_site_mapping(code->maps, address - 1);
	unsigned char bytes[CLEAR_BYTES];

	return map && copy_code(code, map, address - CLEAR_BYTES, bytes, CLEAR_BYTES) == 0 &&
	       memmem(bytes, CLEAR_BYTES, "\x31\xed", 2);
}

int call_site_no_return(const struct code *code, uint64_t from, uint64_t to)
{
	const struct mapping *map = call_site_mapping(code->maps, from);
	unsigned char bytes[RUN_BYTES];
	struct instruction i;

	if (!map || to - from > RUN_BYTES || copy_code(code, map, from, bytes, to - from) < 0)
		return 0;
	for (size_t at = 0; at < to - from; at += i.length)
		if (instruction_decode(bytes + at, to - from - at, &i) < 0 || i.is_return)
			return 0;
	return 1;
}

int call_site_is_trampoline(const struct code *code, uint64_t address)
{
	const struct mapping *map = call_site_mapping(code->maps, address);
	unsigned char bytes[9];

	return map && copy_code(code, map, address, bytes, sizeof(bytes)) == 0 &&
	       !memcmp(bytes, INSTRUCTION_SIGRETURN);
}

/* jmp *GOT(%rip), and what may stand before it. */
int call_site_is_plt(const struct code *code, uint64_t address)
{
	const struct mapping *map = call_site_mapping(code->maps, address);
	unsigned char bytes[8];

	if (!map || copy_code(code, map, address, bytes, sizeof(bytes)) < 0)
		return 0;
	const unsigned char *p = bytes + instruction_marks(bytes);
	return p[0] == 0xff && p[1] == 0x25;
}
