/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit's abbreviations (DWARF 5, section 7.5.3): what each DIE with that code consists of. Kept
 * is what a scan needs to skip what nobody asks for, and which attributes are of use here.
 */
#ifndef SYMBOLIZE_DWARF_ABBREV_H
#define SYMBOLIZE_DWARF_ABBREV_H

#include "symbolize/dwarf/cursor.h"
#include "symbolize/dwarf/form.h"

/* The attributes that are read. */
enum slot {
	SLOT_NONE,
	SLOT_SIBLING,
	SLOT_NAME,
	SLOT_LINKAGE_NAME,
	SLOT_LOW_PC,
	SLOT_HIGH_PC,
	SLOT_RANGES,
	SLOT_ABSTRACT_ORIGIN,
	SLOT_SPECIFICATION,
	SLOT_DECL_LINE,
	SLOT_CALL_FILE,
	SLOT_CALL_LINE,
	SLOT_STMT_LIST,
	SLOT_COMP_DIR,
	SLOT_DWO_NAME,
	SLOT_DWO_ID,
	SLOT_STR_OFFSETS_BASE,
	SLOT_ADDR_BASE,
	SLOT_RNGLISTS_BASE,
	SLOT_RANGES_BASE,
	SLOT_MEMBER_LOCATION,
	SLOTS
};

struct abbrev_spec {
	uint16_t form;
	uint8_t slot; /* enum slot */
	uint8_t size; /* of the value; FORM_VARIABLE */
	uint32_t unused;
	int64_t constant; /* DW_FORM_implicit_const */
};

struct abbrev {
	uint64_t code;
	uint16_t tag;
	uint16_t has_children;
	uint32_t first, n; /* its specs */
	uint32_t size;	   /* of all values, ABBREV_VARIABLE if that differs */
	uint32_t slots;	   /* bit per enum slot */
};

#define ABBREV_VARIABLE UINT32_MAX

struct abbrevs {
	struct abbrev *v; /* sorted by code */
	uint32_t n, room;
	struct abbrev_spec *specs;
	uint32_t n_specs, specs_room;
};

_Static_assert(SLOTS <= 32, "a bit each");

/* From the cursor on, to the table's end. 0, -ENOMEM or -EINVAL (then it is empty). */
int abbrevs_init(struct abbrevs *a, struct cursor from, const struct form_params *params);
void abbrevs_fini(struct abbrevs *a);

/* NULL if there is none. */
const struct abbrev *abbrevs_search(const struct abbrevs *a, uint64_t code);

/* Compilers number them from 1 on. */
static inline const struct abbrev *abbrevs_find(const struct abbrevs *a, uint64_t code)
{
	if (code - 1 < a->n && a->v[code - 1].code == code)
		return &a->v[code - 1];
	return abbrevs_search(a, code);
}

#endif
