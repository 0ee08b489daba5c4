/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "unwind/functions.h"
#include "base/instruction.h"

#define LONGEST 65536u /* bytes of a function's code that are looked at */

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

/* Where the function around vaddr begins, and where the next one does (UINT64_MAX: there is none).
 */
static int bounds(const struct module *m, uint64_t vaddr, uint64_t *start, uint64_t *end)
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
	*end = UINT64_MAX;
	if (low < h.count) {
		memcpy(&value, bytes + sizeof(h) + 8 * (size_t)low, sizeof(value));
		*end = p.p_vaddr + (int64_t)value;
	}
	return 0;
}

int functions_find(
	const struct code *code, const struct mapping *map, uint64_t offset, struct function *out)
{
	const struct module *m = modules_get(code->modules, map->module);
	uint64_t vaddr, start, end;

	*out = (struct function){0};
	if (!m || module_offset_to_vaddr(m, offset, &vaddr) < 0 ||
		bounds(m, vaddr, &start, &end) < 0 || start > vaddr ||
		module_vaddr_to_offset(m, start, &out->offset) < 0)
		return -1;
	uint64_t last = module_code_end(m, start);
	if (end > last)
		end = last;
	if (end <= vaddr)
		return -1;
	out->n = end - start < LONGEST ? end - start : LONGEST;
	out->address = map->start + (out->offset - map->offset);
	out->bytes = module_bytes(m, out->offset, out->n);
	return out->bytes ? 0 : -1;
}

int functions_is_caller(const struct code *code, uint64_t return_address, const struct mapping *map,
	uint64_t offset)
{
	struct function f;
	uint64_t target;

	if (call_site_before(code, return_address, &target) != CALL_DIRECT)
		return 0;
	code->reading(code->arg, map->module);
	int error = functions_find(code, map, offset, &f);
	code->reading(code->arg, 0);
	return !error && target == f.address;
}

/* A jump out of n bytes, by the instruction that ends at end. */
static int leaves(const struct instruction *i, uint64_t end, uint64_t n)
{
	if (i->is_vector)
		return 0;
	if (!i->is_wide && i->opcode == 0xff)
		return (i->modrm[0] >> 3 & 7) == 4;
	int is_jump = i->is_wide ? (i->opcode & 0xf0) == 0x80
				 : (i->opcode & 0xf0) == 0x70 || (i->opcode & 0xfc) == 0xe0 ||
					   i->opcode == 0xe9 || i->opcode == 0xeb;
	return is_jump && end + i->immediate >= n;
}

static int may_leave(const struct function *f)
{
	struct instruction i;

	for (uint64_t at = 0; at < f->n; at += i.length)
		if (instruction_decode(f->bytes + at, f->n - at, &i) < 0 ||
			leaves(&i, at + i.length, f->n))
			return 1;
	return f->n == LONGEST;
}

int functions_may_jump_on(const struct code *code, uint64_t address)
{
	const struct mapping *map = call_site_mapping(code->maps, address);
	struct function f;

	if (!map)
		return 1;
	code->reading(code->arg, map->module);
	int may = functions_find(code, map, address - map->start + map->offset, &f) < 0 ||
		  f.address != address || may_leave(&f);
	code->reading(code->arg, 0);
	return may;
}
