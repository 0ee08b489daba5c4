/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "symbolize/dwarf/package.h"

/* DW_SECT_x of both versions. */
enum column { COLUMN_INFO = 1, COLUMN_ABBREV = 3, COLUMN_STR_OFFSETS = 6, COLUMN_RNGLISTS = 8 };
#define COLUMN_IDS 9u

#define COLUMNS_MAX 16u

struct package {
	struct cursor ids, rows, columns, offsets;
	uint32_t n_columns, n_units, n_slots;
};

static int read_head(struct package *p, const struct dwarf_file *f)
{
	struct cursor c = section_at(&f->sections, SECTION_CU_INDEX, 0);
	uint32_t version = cursor_fixed(&c, 4); /* 2, or 5 in two bytes and two of padding */

	p->n_columns = cursor_fixed(&c, 4);
	p->n_units = cursor_fixed(&c, 4);
	p->n_slots = cursor_fixed(&c, 4);
	if ((version != 2 && (version & 0xffff) != 5) || p->n_columns > COLUMNS_MAX)
		return -ENOENT;
	p->ids = c;
	cursor_skip(&c, 8ull * p->n_slots);
	p->rows = c;
	cursor_skip(&c, 4ull * p->n_slots);
	p->columns = c;
	cursor_skip(&c, 4ull * p->n_columns);
	p->offsets = c;
	cursor_skip(&c, 8ull * p->n_columns * p->n_units); /* the sizes lie behind the offsets */
	return c.is_bad ? -ENOENT : 0;
}

static uint64_t item(struct cursor table, uint64_t number, unsigned size)
{
	cursor_skip(&table, number * size);
	return size == 8 ? cursor_fixed(&table, 8) : cursor_fixed(&table, 4);
}

/* A unit's row, from 1 on, by the hash table; 0: none. */
static uint32_t find_row(const struct package *p, uint64_t id)
{
	uint64_t mask = p->n_slots - 1, slot = id & mask, step = ((id >> 32) & mask) | 1;

	if (!p->n_slots || (p->n_slots & mask))
		return 0;
	for (uint32_t i = 0; i < p->n_slots; i++, slot = (slot + step) & mask) {
		uint32_t row = item(p->rows, slot, 4);
		if (!row)
			return 0;
		if (item(p->ids, slot, 8) == id)
			return row <= p->n_units ? row : 0;
	}
	return 0;
}

int package_unit(struct dwarf_file *f, uint64_t dwo_id, struct unit *u)
{
	uint64_t at[COLUMN_IDS] = {0}, end;
	struct package p;
	uint32_t row;

	if (read_head(&p, f) < 0 || !(row = find_row(&p, dwo_id)))
		return -ENOENT;
	for (uint32_t i = 0; i < p.n_columns; i++) {
		uint32_t column = item(p.columns, i, 4);
		if (column < COLUMN_IDS)
			at[column] = item(p.offsets, (uint64_t)(row - 1) * p.n_columns + i, 4);
	}
	if (unit_init(u, f, at[COLUMN_INFO], at[COLUMN_ABBREV], &end) < 0)
		return -ENOENT;
	u->str_offsets_base += at[COLUMN_STR_OFFSETS];
	/* In version 2 that number was another section's, which no list is in. */
	u->rnglists_base += at[COLUMN_RNGLISTS];
	return 0;
}
