/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>

#include "base/limits.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/dwarf/range.h"

struct walk {
	range_take *take;
	void *arg;
	uint64_t base;
};

static int give(const struct walk *w, uint64_t start, uint64_t end)
{
	return start && start < end ? w->take(w->arg, start, end) : 0;
}

/* DWARF 2 to 4: pairs of addresses, up to one of zeros. */
static int each_pair(struct walk *w, struct cursor c)
{
	int result = 0;

	for (uint32_t i = 0; i < LIMIT_RANGES && !result; i++) {
		uint64_t start = cursor_fixed(&c, ADDRESS_SIZE);
		uint64_t end = cursor_fixed(&c, ADDRESS_SIZE);
		if (c.is_bad || (!start && !end))
			break;
		if (start == UINT64_MAX)
			w->base = end;
		else
			result = give(w, w->base + start, w->base + end);
	}
	return result;
}

/* One entry of a list of DWARF 5; *over at its end. */
static int one_entry(struct walk *w, const struct unit *u, struct cursor *c, int *over)
{
	uint64_t start = 0, end = 0;
	int error = 0;

	switch (cursor_u8(c)) {
	case DW_RLE_base_addressx:
		error = unit_indexed_address(u, cursor_uleb(c), &w->base);
		break;
	case DW_RLE_startx_endx:
		error = unit_indexed_address(u, cursor_uleb(c), &start);
		error |= unit_indexed_address(u, cursor_uleb(c), &end);
		break;
	case DW_RLE_startx_length:
		error = unit_indexed_address(u, cursor_uleb(c), &start);
		end = start + cursor_uleb(c);
		break;
	case DW_RLE_offset_pair:
		start = w->base + cursor_uleb(c);
		end = w->base + cursor_uleb(c);
		break;
	case DW_RLE_base_address:
		w->base = cursor_fixed(c, ADDRESS_SIZE);
		break;
	case DW_RLE_start_end:
		start = cursor_fixed(c, ADDRESS_SIZE);
		end = cursor_fixed(c, ADDRESS_SIZE);
		break;
	case DW_RLE_start_length:
		start = cursor_fixed(c, ADDRESS_SIZE);
		end = start + cursor_uleb(c);
		break;
	default: /* the end, or nobody knows how to go on */
		*over = 1;
	}
	*over |= c->is_bad;
	return error || *over ? 0 : give(w, start, end);
}

static int each_entry(struct walk *w, const struct unit *u, struct cursor c)
{
	int result = 0, over = 0;

	for (uint32_t i = 0; i < LIMIT_RANGES && !over && !result; i++)
		result = one_entry(w, u, &c, &over);
	return result;
}

/* Where a list of DWARF 5 begins: by its number in the unit's table of offsets, or as such. */
static struct cursor list_of(const struct unit *u, const struct value *v)
{
	const struct sections *s = &u->file->sections;
	uint64_t at = v->number;

	if (v->form == DW_FORM_rnglistx) {
		struct cursor c = section_at(s, SECTION_RNGLISTS, u->rnglists_base);
		cursor_skip_items(&c, at, u->params.offset_size);
		at = u->rnglists_base + cursor_offset(&c, u->params.offset_size);
		if (c.is_bad)
			return c;
	}
	return section_at(s, SECTION_RNGLISTS, at);
}

static int each_listed(struct walk *w, const struct unit *u, const struct value *v)
{
	const struct unit *where = u->skeleton ? u->skeleton : u;

	w->base = where->low_pc;
	if (u->params.version >= 5) {
		struct cursor list = list_of(u, v);
		u->file->is_damaged |= list.is_bad;
		return each_entry(w, u, list);
	}
	/* GNU's base counts for the DIEs of split units alone. */
	uint64_t base = u->skeleton ? u->skeleton->ranges_base : 0;
	return each_pair(w, section_at(&where->file->sections, SECTION_RANGES, base + v->number));
}

/* An address, or so many bytes from low_pc on. */
static uint64_t high_pc(const struct unit *u, const struct value *v, uint64_t low)
{
	uint64_t address;

	return unit_address(u, v, &address) == 0 ? address : low + v->number;
}

int range_each(const struct unit *u, const struct die *die, range_take *take, void *arg)
{
	struct walk w = {take, arg, 0};
	uint64_t low;

	if (die_has(die, SLOT_RANGES))
		return each_listed(&w, u, &die->v[SLOT_RANGES]);
	if (!die_has(die, SLOT_LOW_PC) || !die_has(die, SLOT_HIGH_PC) ||
		unit_address(u, &die->v[SLOT_LOW_PC], &low) < 0)
		return 0;
	return give(&w, low, high_pc(u, &die->v[SLOT_HIGH_PC], low));
}
