/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All debug information of one module: of its image or of its debug file, with what dwz moved to
 * another file, and with units that the compiler split off (.dwo files, or a .dwp package).
 */
#ifndef SYMBOLIZE_DEBUG_INFO_H
#define SYMBOLIZE_DEBUG_INFO_H

#include "symbolize/cu_ranges.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/module.h"

struct debug_info {
	struct module *module; /* borrowed; outlives this */
	struct dwarf_file file, alt, package;
	int has_alt, has_package;
	struct cu_ranges ranges; /* of file */
};

/* 0, -ENOENT, -EINVAL (damaged, or packed in a way that cannot be read) or -ENOMEM. */
int debug_info_open(struct debug_info *d, struct module *m);
void debug_info_close(struct debug_info *d);

/* The unit's functions, where they are not in the unit itself. */
struct split {
	struct unit unit;
	struct dwarf_file file; /* of a .dwo */
	int has_unit, has_file;
};

/* The unit with the functions: the same one, or split->unit. Of a split one that is not here (it is
 * wanted then, see module_want_split) it is the same one, which has only lines. split_close in any
 * case; NULL: no memory. */
struct unit *split_open(struct split *split, struct debug_info *d, struct unit *unit);
void split_close(struct split *split);

#endif
