/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File and line of given addresses, from one run of a compile unit's line program (DWARF 5, section
 * 6.2; versions 2 to 5). No table of rows is built: of each row only the addresses in it take note.
 */
#ifndef SYMBOLIZE_LINES_H
#define SYMBOLIZE_LINES_H

#include "symbolize/dwarf/unit.h"

struct lines_row {
	uint32_t file; /* for lines_path; UNIT_NO_FILE: no row covers the address */
	uint32_t line; /* or 0 */
};

struct lines_file {
	const char *name;
	uint64_t directory;
};

struct lines {
	struct lines_row *rows; /* one for each address */
	const char **directories;
	struct lines_file *files;
	uint32_t n_directories, directories_room, n_files, files_room;
	uint8_t version;
	int zero_is_known; /* directory 0 is the unit's own */
};

/* vaddrs: sorted. 0 or -ENOMEM; of a damaged program what comes before the damage is used. */
int lines_init(struct lines *x, const struct unit *unit, const uint64_t *vaddrs, uint32_t n);
void lines_fini(struct lines *x);

/* The file of that number in the unit's table, with its directory if that is known; one that is not
 * absolute is relative to where the compiler ran. NULL: there is none. Owned by the unit's file, or
 * written into room. */
const char *lines_path(const struct lines *x, uint32_t file, char *room, size_t size);

#endif
