/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "unwind/prologue.h"
#include "unwind/way_in.h"

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
static int function_around(const struct module *m, uint64_t vaddr, uint64_t *start, uint64_t *end)
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

/* What is known of the function before the stack is looked at. */
struct search {
	const struct code *code;
	struct copy copy;  /* of its own: not all that is looked at is needed */
	uint64_t function; /* its address in the target */
	struct way_in way;
};

/* The function's code, as far as it is in the same segment, and where it begins in the file. */
static const unsigned char *function_code(
	const struct module *m, uint64_t offset, uint64_t *from, size_t *n)
{
	uint64_t vaddr, start, end;

	if (module_offset_to_vaddr(m, offset, &vaddr) < 0 ||
		function_around(m, vaddr, &start, &end) < 0 || start > vaddr ||
		module_vaddr_to_offset(m, start, from) < 0)
		return NULL;
	uint64_t last = module_code_end(m, start);
	if (end > last)
		end = last;
	*n = end - start < WAY_IN_CODE_MAX ? end - start : WAY_IN_CODE_MAX;
	return end > vaddr ? module_bytes(m, *from, *n) : NULL;
}

/* Where the code cannot be followed, rbp may be anywhere above the pushes. 0, or -1: which function
 * this is cannot be told. */
static int look_at_function(struct search *s, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t pushed)
{
	const struct module *m = modules_get(s->code->modules, map->module);
	uint64_t from = 0;
	size_t n;

	if (!m)
		return -1;
	s->way = (struct way_in){.is_dynamic = 1};
	s->code->reading(s->code->arg, map->module);
	const unsigned char *bytes = function_code(m, offset, &from, &n);
	if (bytes && next - from <= n)
		way_in_find(bytes, n, next - from, &s->way);
	s->code->reading(s->code->arg, 0);
	s->function = map->start + (from - map->offset);
	if (s->way.least < pushed)
		s->way.least = pushed;
	return bytes ? 0 : -1;
}

enum fit {
	FIT_NONE,
	FIT_OTHER,   /* behind a call of something else, which may have jumped here */
	FIT_UNKNOWN, /* behind a call through a pointer or a PLT */
	FIT_OWN,     /* behind a call of this function */
};

/* How well the word above rbp fits. */
static enum fit fit_at(struct search *s, uint64_t rbp)
{
	uint64_t address, target;

	if (copy_word(&s->copy, rbp + 8, &address) < 0)
		return FIT_NONE;
	switch (call_site_before(s->code, address, &target)) {
	case CALL_DIRECT:
		if (target == s->function)
			return FIT_OWN;
		return call_site_is_plt(s->code, target) ? FIT_UNKNOWN : FIT_OTHER;
	case CALL_INDIRECT:
		return FIT_UNKNOWN;
	default:
		return FIT_NONE;
	}
}

/* What earlier calls have left on the stack, in room that was made and not yet used, fits as well:
 * so a place is certain if it is the only one of all that are possible, or if it alone is behind a
 * call of this function and none that may be comes before. */
static enum prologue search_from(struct search *s, uint64_t lowest, uint64_t last, uint64_t *rbp)
{
	uint32_t n = 0, n_own = 0, n_unknown = 0, unknown_before = 0;
	uint64_t any = 0, unknown = 0, own = 0;

	for (uint64_t at = (lowest + 15) & ~15ull; at <= last; at += 16) {
		enum fit fit = fit_at(s, at);
		if (fit != FIT_NONE && !n++)
			any = at;
		if (fit == FIT_UNKNOWN && !n_unknown++)
			unknown = at;
		if (fit == FIT_OWN && !n_own++) {
			own = at;
			unknown_before = n_unknown;
		}
	}
	*rbp = own ? own : unknown ? unknown : any;
	if (n_own == 1 && !unknown_before)
		return PROLOGUE_SURE;
	if (s->way.is_dynamic)
		return own || unknown ? PROLOGUE_LIKELY : PROLOGUE_NONE;
	return n == 1 ? PROLOGUE_SURE : n ? PROLOGUE_LIKELY : PROLOGUE_NONE;
}

enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, uint64_t pushed, const struct copy *copy, uint64_t *rbp)
{
	struct search s = {.code = code, .copy = *copy};

	if (look_at_function(&s, map, offset, next, pushed) < 0)
		return PROLOGUE_NONE;
	uint64_t lowest = sp + s.way.least, end = copy->stack.base + copy->stack.len;
	return search_from(&s, lowest, s.way.is_dynamic ? end - 16 : lowest + s.way.slack, rbp);
}
