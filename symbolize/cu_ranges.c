/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "symbolize/cu_ranges.h"

#define RANGES_MAX (16u * 1024 * 1024)

/* How many neighbours below are asked: units overlap only where functions were folded. */
#define OVERLAP_MAX 8u

static int add_unit(struct cu_ranges *r, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	uint32_t steps = 0;

	while ((at = dwarf_ranges(unit, at, &base, &start, &end)) > 0 && steps++ < RANGES_MAX) {
		/* 0: code that the linker threw away. */
		if (start >= end || start == 0)
			continue;
		int error = list_room(&r->v, r->n, 1, &r->room, sizeof(*r->v), RANGES_MAX);
		if (error)
			return error == -E2BIG ? 0 : error;
		r->v[r->n++] = (struct cu_range){start, end, dwarf_dieoffset(unit)};
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct cu_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

int cu_ranges_init(struct cu_ranges *r, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	uint8_t type;
	int error = 0;

	memset(r, 0, sizeof(*r));
	while (!error && dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, NULL) == 0)
		if (type == DW_UT_compile || type == DW_UT_skeleton || type == DW_UT_partial)
			error = add_unit(r, &unit);
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
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (r->v[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low, steps = 0; i-- > 0 && steps < OVERLAP_MAX; steps++)
		if (vaddr < r->v[i].end)
			return &r->v[i];
	return NULL;
}
