/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/cu_ranges.h"
#include "symbolize/dwarf/range.h"

/* How many neighbours below are asked: units overlap only where functions were folded. */
#define OVERLAP_MAX 8u

struct adding {
	struct cu_ranges *r;
	struct unit *unit;
};

static int add_range(void *arg, uint64_t start, uint64_t end)
{
	const struct adding *a = arg;
	struct cu_ranges *r = a->r;
	int error = list_room(&r->v, r->n, 1, &r->room, sizeof(*r->v), LIMIT_RANGES);

	if (!error)
		r->v[r->n++] = (struct cu_range){start, end, a->unit};
	return error;
}

static int add_unit(struct cu_ranges *r, struct unit *unit)
{
	struct adding a = {r, unit};
	struct die root;

	if (unit->type != DW_UT_compile && unit->type != DW_UT_skeleton &&
		unit->type != DW_UT_partial)
		return 0;
	int error = unit_read_root(unit, &root);
	if (!error)
		error = range_each(unit, &root, add_range, &a);
	dwarf_file_trim(unit->file);
	return error == -ENOMEM ? error : 0;
}

static int by_start(const void *a, const void *b)
{
	const struct cu_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

int cu_ranges_init(struct cu_ranges *r, struct dwarf_file *file)
{
	int error = 0;

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; i < file->n && !error; i++)
		error = add_unit(r, &file->units[i]);
	if (error)
		cu_ranges_fini(r);
	else if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_start);
	return error;
}

void cu_ranges_fini(struct cu_ranges *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

const struct cu_range *cu_ranges_find(const struct cu_ranges *r, uint64_t vaddr)
{
	uint32_t low = sorted_until(r->v, r->n, sizeof(*r->v), vaddr);

	for (uint32_t i = low, steps = 0; i-- > 0 && steps < OVERLAP_MAX; steps++)
		if (vaddr < r->v[i].end)
			return &r->v[i];
	return NULL;
}
