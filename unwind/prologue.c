/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "unwind/prologue.h"

#define PROLOGUE_BYTES                                                                             \
	192u /* in which the sub is looked for: compilers schedule between the pushes */

/* .eh_frame_hdr (Linux Standard Base, 10.6.2): version 1, the encodings that all linkers use, then
 * pairs of int32_t relative to its own address, sorted: function, FDE. */
struct header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
};

#define SORTED_TABLE   0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
#define COUNT_ENCODING 0x03 /* DW_EH_PE_udata4 */

static int find_header(const struct module *m, GElf_Phdr *out)
{
	size_t n;

	if (elf_getphdrnum(module_elf(m), &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(module_elf(m), i, out) && out->p_type == PT_GNU_EH_FRAME)
			return 0;
	return -1;
}

/* Where the function around vaddr begins. */
static int function_start(const struct module *m, uint64_t vaddr, uint64_t *start)
{
	GElf_Phdr p;
	struct header h;

	if (find_header(m, &p) < 0 || p.p_filesz < sizeof(h))
		return -1;
	const unsigned char *bytes = module_bytes(m, p.p_offset, p.p_filesz);
	if (!bytes)
		return -1;
	memcpy(&h, bytes, sizeof(h));
	if (h.version != 1 || h.table_encoding != SORTED_TABLE ||
		h.count_encoding != COUNT_ENCODING || h.count > (p.p_filesz - sizeof(h)) / 8)
		return -1;
	int64_t wanted = vaddr - p.p_vaddr;
	uint32_t low = 0, high = h.count;
	int32_t value;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		memcpy(&value, bytes + sizeof(h) + 8 * (size_t)middle, sizeof(value));
		if (value <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return -1;
	memcpy(&value, bytes + sizeof(h) + 8 * (size_t)(low - 1), sizeof(value));
	*start = p.p_vaddr + (int64_t)value;
	return 0;
}

/* sub $imm,%rsp at p, of which n bytes may be read: its imm (signed: sub $-128 is how gcc writes an
 * add of 128), else -1. */
static int64_t sub_at(const unsigned char *p, size_t n)
{
	int32_t wide;

	if (n >= 4 && p[0] == 0x48 && p[1] == 0x83 && p[2] == 0xec)
		return (int8_t)p[3] == -128 ? 128 : (int8_t)p[3];
	if (n < 7 || p[0] != 0x48 || p[1] != 0x81 || p[2] != 0xec)
		return -1;
	memcpy(&wide, p + 3, sizeof(wide));
	return wide;
}

struct search {
	const struct code *code;
	struct copy *copy;
	uint64_t function; /* its address in the target */
};

static enum prologue validate(const struct search *s, uint64_t rbp)
{
	uint64_t address, target;

	if ((rbp & 15) || copy_word(s->copy, rbp + 8, &address) < 0)
		return PROLOGUE_NONE;
	switch (call_site_before(s->code, address, &target)) {
	case CALL_DIRECT:
		if (target == s->function)
			return PROLOGUE_SURE;
		return call_site_is_plt(s->code, target) ? PROLOGUE_LIKELY : PROLOGUE_NONE;
	case CALL_INDIRECT:
		return PROLOGUE_LIKELY;
	default:
		return PROLOGUE_NONE;
	}
}

/* The start of the function and a copy of its first n bytes, at most those before offset. */
static int read_prologue(const struct code *code, uint32_t module, uint64_t offset, uint64_t *from,
	unsigned char *bytes, size_t *n)
{
	const struct module *m = modules_get(code->modules, module);
	uint64_t vaddr, start;
	int error = -1;

	if (!m || module_offset_to_vaddr(m, offset, &vaddr) < 0)
		return -1;
	code->reading(code->arg, module);
	if (function_start(m, vaddr, &start) == 0 && start <= vaddr &&
		module_vaddr_to_offset(m, start, from) == 0) {
		*n = offset - *from < PROLOGUE_BYTES ? offset - *from : PROLOGUE_BYTES;
		const unsigned char *in_file = module_bytes(m, *from, *n);
		error = in_file ? 0 : -1;
		if (in_file)
			memcpy(bytes, in_file, *n);
	}
	code->reading(code->arg, 0);
	return error;
}

enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t sp, uint64_t pushed, struct copy *copy, uint64_t *rbp)
{
	unsigned char bytes[PROLOGUE_BYTES];
	uint64_t from;
	size_t n;

	if (read_prologue(code, map->module, offset, &from, bytes, &n) < 0)
		return PROLOGUE_NONE;
	struct search s = {code, copy, map->start + (from - map->offset)};
	for (size_t i = 0; i < n; i++) {
		int64_t imm = sub_at(bytes + i, n - i);
		enum prologue found = imm < 0 ? PROLOGUE_NONE : validate(&s, sp + pushed + imm);
		if (found != PROLOGUE_NONE) {
			*rbp = sp + pushed + imm;
			return found;
		}
	}
	/* No sub: the pushes are all there is. */
	*rbp = sp + pushed;
	return validate(&s, *rbp);
}
