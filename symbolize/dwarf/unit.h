/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One unit of .debug_info: its header, what its first DIE says of all of it, and what the values
 * of its DIEs mean (DWARF 5, sections 7.5.1 and 7.5.5; GNU's split units of DWARF 4).
 *
 * A split unit's DIEs are in a .dwo or .dwp file; addresses, ranges of DWARF 4 and lines are where
 * its skeleton is.
 */
#ifndef SYMBOLIZE_DWARF_UNIT_H
#define SYMBOLIZE_DWARF_UNIT_H

#include "symbolize/dwarf/abbrev.h"

struct dwarf_file;
struct die;

enum unit_has { UNIT_LINES = 1, UNIT_DWO_ID = 2 };

/* No file of its table, neither of a call nor of a line. */
#define UNIT_NO_FILE UINT32_MAX

/* The first number is the one that a file's units are sorted by (base/sorted.h). */
struct unit {
	uint64_t start, die, end;    /* offsets in .debug_info: header, first DIE, end */
	struct dwarf_file *file;     /* whose sections it is in */
	const struct unit *skeleton; /* of a split unit; NULL for all others */
	struct abbrevs *abbrevs;     /* read when needed: unit_abbrevs */
	uint64_t abbrev_offset;
	struct form_params params;
	uint8_t type; /* DW_UT_x */
	uint8_t has;  /* enum unit_has */
	uint64_t low_pc, lines, str_offsets_base, addr_base, rnglists_base, ranges_base, dwo_id;
	const char *comp_dir, *dwo_name; /* or NULL */
};

/* A unit's header at that offset of .debug_info. 0, or -EINVAL: a damaged one; *end is then where
 * the next begins, or 0 if nobody knows. abbrev_base: what the header's offset counts from. */
int unit_init(struct unit *u, struct dwarf_file *file, uint64_t offset, uint64_t abbrev_base,
	uint64_t *end);

/* Sets what its first DIE says of all, and gives that DIE. 0, -EINVAL or -ENOMEM. */
int unit_read_root(struct unit *u, struct die *root);

/* NULL: damaged, or no memory. */
const struct abbrevs *unit_abbrevs(struct unit *u);
void unit_drop_abbrevs(struct unit *u);

/* From that offset of .debug_info to the unit's end; bad outside of it. */
struct cursor unit_at(const struct unit *u, uint64_t offset);

/* A value as a string (NULL if it is none or not there), as an address, as a reference to a DIE:
 * its unit and its offset. 0 or -EINVAL. */
const char *unit_string(const struct unit *u, const struct value *v);
int unit_address(const struct unit *u, const struct value *v, uint64_t *out);
int unit_reference(struct unit *u, const struct value *v, struct unit **target, uint64_t *offset);

/* The number-th of the unit's addresses in .debug_addr. */
int unit_indexed_address(const struct unit *u, uint64_t number, uint64_t *out);

#endif
