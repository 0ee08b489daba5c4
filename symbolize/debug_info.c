/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "symbolize/debug_info.h"

/* 1 if it is open, 0 if there is none or it is no good, -ENOMEM. */
static int open_extra(
	struct dwarf_file *f, const struct module *m, enum extra_kind kind, uint32_t index)
{
	const struct image *image = module_extra(m, kind, index);
	struct sections split;

	if (!image)
		return 0;
	if (kind != EXTRA_ALT)
		sections_find(&split, image->elf, 1);
	int error = dwarf_file_open(f, kind == EXTRA_ALT ? &image->sections : &split);
	return error == -ENOMEM ? error : !error;
}

int debug_info_open(struct debug_info *d, struct module *m)
{
	uint32_t index = 0;
	const struct sections *found = module_debug_sections(m, &index);
	int error = found ? dwarf_file_open(&d->file, found) : -ENOENT;

	if (error)
		return error;
	d->module = m;
	d->ranges = (struct cu_ranges){0};
	d->has_package = 0;
	d->has_alt = open_extra(&d->alt, m, EXTRA_ALT, index);
	if (d->has_alt >= 0)
		d->has_package = open_extra(&d->package, m, EXTRA_PACKAGE, index);
	d->file.alt = d->has_alt > 0 ? &d->alt : NULL;
	error = d->has_alt < 0 || d->has_package < 0 ? -ENOMEM
						     : cu_ranges_init(&d->ranges, &d->file);
	if (error)
		debug_info_close(d);
	return error;
}

void debug_info_close(struct debug_info *d)
{
	cu_ranges_fini(&d->ranges);
	if (d->has_package > 0)
		dwarf_file_close(&d->package);
	if (d->has_alt > 0)
		dwarf_file_close(&d->alt);
	dwarf_file_close(&d->file);
}

/* Its own file, found or to be looked for by name. 0, -ENOENT, -EAGAIN or -ENOMEM. */
static int open_own(struct split *split, struct debug_info *d, const struct unit *unit)
{
	uint32_t index = unit - d->file.units;
	int error =
		module_want_split(d->module, index, unit->comp_dir, unit->dwo_name, unit->dwo_id);

	if (error)
		return error;
	split->has_file = open_extra(&split->file, d->module, EXTRA_SPLIT, index);
	if (split->has_file <= 0)
		return split->has_file ? split->has_file : -ENOENT;
	return dwarf_file_split(&split->file, unit, &split->unit);
}

struct unit *split_open(struct split *split, struct debug_info *d, struct unit *unit)
{
	int error = -ENOENT;

	split->has_unit = split->has_file = 0;
	/* Of DWARF 5 by its type, of GNU's before by what its first DIE says. */
	if (!unit->dwo_name || !(unit->has & UNIT_DWO_ID))
		return unit;
	if (d->has_package)
		error = dwarf_file_split(&d->package, unit, &split->unit);
	if (error == -ENOENT)
		error = open_own(split, d, unit);
	split->has_unit = !error;
	return !error ? &split->unit : error == -ENOMEM ? NULL : unit;
}

void split_close(struct split *split)
{
	if (split->has_unit)
		unit_drop_abbrevs(&split->unit);
	if (split->has_file > 0)
		dwarf_file_close(&split->file);
}
