/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections with debug information of one ELF image, as bytes.
 *
 * They are found when the image is opened (libelf's view of the headers may change later: libdw
 * hides and inflates sections in place) and point into it, so they live as long as it. Compressed
 * ones (SHF_COMPRESSED, and .zdebug_ of old) are inflated for a copy of the list, when they are
 * needed.
 */
#ifndef SYMBOLIZE_DWARF_SECTION_H
#define SYMBOLIZE_DWARF_SECTION_H

#include <libelf.h>
#include <stdint.h>

#include "symbolize/dwarf/cursor.h"

enum section_id {
	SECTION_INFO,
	SECTION_ABBREV,
	SECTION_ADDR,
	SECTION_LINE,
	SECTION_LINE_STR,
	SECTION_RANGES,
	SECTION_RNGLISTS,
	SECTION_STR,
	SECTION_STR_OFFSETS,
	SECTION_CU_INDEX,
	SECTIONS
};

enum packing { PACKING_NONE, PACKING_ZLIB, PACKING_ZSTD, PACKING_UNKNOWN };

struct section {
	const unsigned char *bytes;
	uint64_t size;
	enum packing packing;
	uint64_t unpacked; /* size of the content, if it is packed */
};

struct sections {
	struct section v[SECTIONS];
};

/* is_split: those of a .dwo or .dwp file, whose names end so. What is not there has size 0. */
void sections_find(struct sections *s, Elf *elf, int is_split);

/* Whether a section of that file is packed in a way that this build cannot read. */
int sections_are_unreadable(const struct sections *s);

/* s: the same with the content of what is packed, to be given to sections_free. 0, -ENOMEM, or
 * -EINVAL if one is damaged or unreadable. */
int sections_unpack(struct sections *s, const struct sections *found);
void sections_free(struct sections *s);

/* From that offset to the section's end; empty and bad if it is not in it. */
struct cursor section_at(const struct sections *s, enum section_id id, uint64_t offset);

#endif
