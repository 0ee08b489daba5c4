/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that a DIE covers: low and high pc, or a list in .debug_ranges (DWARF 2 to 4) or
 * .debug_rnglists (DWARF 5, section 7.25). Ranges that begin at 0 are code that the linker threw
 * away; they are left out.
 */
#ifndef SYMBOLIZE_DWARF_RANGE_H
#define SYMBOLIZE_DWARF_RANGE_H

#include "symbolize/dwarf/die.h"

/* [start, end); not 0 ends the walk, and is its result. */
typedef int range_take(void *arg, uint64_t start, uint64_t end);

/* 0 or what take said. Damaged lists end early. */
int range_each(const struct unit *u, const struct die *die, range_take *take, void *arg);

#endif
