/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug information of one file: its sections and its units. That of an image, of its separate
 * debug file, of the file that dwz moved common parts to, or of split units.
 */
#ifndef SYMBOLIZE_DWARF_FILE_H
#define SYMBOLIZE_DWARF_FILE_H

#include "symbolize/dwarf/section.h"
#include "symbolize/dwarf/unit.h"

struct dwarf_file {
	struct sections sections; /* unpacked */
	struct unit *units;	  /* in the order of their offsets */
	uint32_t n, room;
	uint32_t abbrevs;	/* read and kept, of all units */
	int is_damaged;		/* a reader met what makes no sense, and left something out */
	struct dwarf_file *alt; /* what dwz moved common parts to; borrowed, or NULL */
};

/* Reads the units' headers. The sections are those of an image that outlives the file. 0, -ENOMEM,
 * or -EINVAL if there is nothing to be read. */
int dwarf_file_open(struct dwarf_file *f, const struct sections *found);
void dwarf_file_close(struct dwarf_file *f);

/* The unit that holds that offset of .debug_info, or NULL. */
struct unit *dwarf_file_unit(const struct dwarf_file *f, uint64_t offset);

/* The unit with that id of its skeleton: *u becomes it, in a file of split units. 0, -ENOENT or
 * -ENOMEM. unit_drop_abbrevs ends its use. */
int dwarf_file_split(struct dwarf_file *f, const struct unit *skeleton, struct unit *u);

/* Between units: gives back abbreviations when there are many. */
void dwarf_file_trim(struct dwarf_file *f);

#endif
