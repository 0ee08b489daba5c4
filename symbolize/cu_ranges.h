/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which compile unit covers an address, from the units' own ranges: .debug_aranges is missing in
 * what clang and Rust make, and then everything would silently have no lines.
 */
#ifndef SYMBOLIZE_CU_RANGES_H
#define SYMBOLIZE_CU_RANGES_H

#include "symbolize/dwarf/file.h"

struct cu_range {
	uint64_t start, end;
	struct unit *unit; /* owned by the file */
};

struct cu_ranges {
	struct cu_range *v; /* sorted by start */
	uint32_t n, room;
};

/* Reads each unit's first DIE. 0 or -ENOMEM; units that cannot be read are left out. */
int cu_ranges_init(struct cu_ranges *r, struct dwarf_file *file);
void cu_ranges_fini(struct cu_ranges *r);

/* NULL if no unit covers the address. */
const struct cu_range *cu_ranges_find(const struct cu_ranges *r, uint64_t vaddr);

#endif
