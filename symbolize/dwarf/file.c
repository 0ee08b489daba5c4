/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/dwarf/die.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/dwarf/package.h"

#define UNITS_MAX    (1u << 20)
#define ABBREVS_KEPT (1u << 17) /* some 20 MB */

static int add_unit(struct dwarf_file *f, uint64_t offset, uint64_t *end)
{
	int error = list_room(&f->units, f->n, 1, &f->room, sizeof(*f->units), UNITS_MAX);

	if (error)
		return error;
	/* One that is damaged is left out, as are types of units of their own. */
	if (unit_init(&f->units[f->n], f, offset, 0, end) == 0)
		f->n++;
	return 0;
}

int dwarf_file_open(struct dwarf_file *f, const struct sections *found)
{
	uint64_t end = 0;

	memset(f, 0, sizeof(*f));
	int error = sections_unpack(&f->sections, found);
	uint64_t size = f->sections.v[SECTION_INFO].size;
	if (!error && (!size || !f->sections.v[SECTION_ABBREV].size))
		error = -EINVAL;
	/* Those of a package are found by its index. */
	if (f->sections.v[SECTION_CU_INDEX].size)
		size = 0;
	for (uint64_t at = 0; at < size && !error; at = end ? end : size)
		error = add_unit(f, at, &end);
	if (error == -E2BIG)
		error = 0;
	if (error)
		dwarf_file_close(f);
	return error;
}

void dwarf_file_close(struct dwarf_file *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		unit_drop_abbrevs(&f->units[i]);
	free(f->units);
	sections_free(&f->sections);
	memset(f, 0, sizeof(*f));
}

struct unit *dwarf_file_unit(const struct dwarf_file *f, uint64_t offset)
{
	uint32_t low = sorted_until(f->units, f->n, sizeof(*f->units), offset);

	return low && offset < f->units[low - 1].end ? &f->units[low - 1] : NULL;
}

static int is_split_of(struct unit *u, const struct unit *skeleton)
{
	struct die root;

	/* GNU's units of DWARF 4 have the id in their first DIE. */
	if (!(u->has & UNIT_DWO_ID) && unit_read_root(u, &root) < 0)
		return 0;
	return (u->has & UNIT_DWO_ID) && u->dwo_id == skeleton->dwo_id;
}

int dwarf_file_split(struct dwarf_file *f, const struct unit *skeleton, struct unit *u)
{
	struct die root;
	int error = -ENOENT;

	if (f->sections.v[SECTION_CU_INDEX].size)
		error = package_unit(f, skeleton->dwo_id, u);
	for (uint32_t i = 0; i < f->n && error; i++)
		if (is_split_of(&f->units[i], skeleton))
			error = unit_init(u, f, f->units[i].start, 0, &u->end);
	if (error)
		return error;
	u->skeleton = skeleton;
	error = unit_read_root(u, &root);
	if (error)
		unit_drop_abbrevs(u);
	return error;
}

void dwarf_file_trim(struct dwarf_file *f)
{
	if (f->abbrevs < ABBREVS_KEPT)
		return;
	for (uint32_t i = 0; i < f->n; i++)
		unit_drop_abbrevs(&f->units[i]);
}
