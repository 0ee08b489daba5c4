/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The encodings of attribute values (DWARF 5, section 7.5.6; GNU's for split units of DWARF 4 and
 * for dwz): how long each is, and its raw value. What the value means is for unit.h to say.
 */
#ifndef SYMBOLIZE_DWARF_FORM_H
#define SYMBOLIZE_DWARF_FORM_H

#include "symbolize/dwarf/cursor.h"

struct form_params {
	uint8_t version;     /* 2 to 5 */
	uint8_t offset_size; /* 4 or 8 */
};

#define FORM_VARIABLE 0xff
#define ADDRESS_SIZE  8u

struct value {
	uint32_t form;
	uint64_t number;
	const char *string; /* DW_FORM_string alone */
};

/* Bytes of every value of that form, or FORM_VARIABLE (also of unknown forms). */
uint8_t form_size(uint64_t form, const struct form_params *params);

/* Past a value; bad if the form is unknown. */
void form_skip(struct cursor *c, uint64_t form, const struct form_params *params);

/* Its value; blocks read as 0. implicit: of DW_FORM_implicit_const. */
void form_read(struct cursor *c, uint64_t form, int64_t implicit, const struct form_params *params,
	struct value *out);

#endif
