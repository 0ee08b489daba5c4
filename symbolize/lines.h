/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File and line of an address, from a compile unit's line table.
 */
#ifndef SYMBOLIZE_LINES_H
#define SYMBOLIZE_LINES_H

#include <elfutils/libdw.h>
#include <stdint.h>

/* The row that covers the address; *file (owned by the Dwarf) is NULL and *line 0 if there is none.
 */
void lines_find(Dwarf_Die *unit, uint64_t vaddr, const char **file, uint32_t *line);

/* One spelling for one file: "a/./b/../c" becomes "a/c", in place. A leading ".." stays. */
void lines_normalize(char *path);

#endif
