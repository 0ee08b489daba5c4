/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of a .dwp file: which parts of its sections belong to a unit (DWARF 5, section 7.3.5;
 * GNU's of version 2 for DWARF 4).
 */
#ifndef SYMBOLIZE_DWARF_PACKAGE_H
#define SYMBOLIZE_DWARF_PACKAGE_H

#include "symbolize/dwarf/file.h"

/* *u becomes the unit with that id; what its offsets count from is set. 0 or -ENOENT. */
int package_unit(struct dwarf_file *f, uint64_t dwo_id, struct unit *u);

#endif
