/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>

#include "symbolize/dwarf/form.h"

uint8_t form_size(uint64_t form, const struct form_params *params)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return ADDRESS_SIZE;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_strp_sup:
	case DW_FORM_sec_offset:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return params->offset_size;
	case DW_FORM_ref_addr:
		/* As large as an address in DWARF 2. */
		return params->version == 2 ? ADDRESS_SIZE : params->offset_size;
	default:
		return FORM_VARIABLE;
	}
}

/* Of DW_FORM_indirect; there is no indirection to another one. */
static uint64_t real_form(struct cursor *c)
{
	uint64_t form = cursor_uleb(c);

	if (form == DW_FORM_indirect || form == DW_FORM_implicit_const)
		return cursor_fail(c);
	return form;
}

/* Values of a size that they say themselves. */
static void read_variable(struct cursor *c, uint64_t form, struct value *out)
{
	switch (form) {
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		out->number = cursor_uleb(c);
		break;
	case DW_FORM_sdata:
		out->number = cursor_sleb(c);
		break;
	case DW_FORM_string:
		out->string = cursor_string(c);
		break;
	case DW_FORM_block1:
		cursor_skip(c, cursor_fixed(c, 1));
		break;
	case DW_FORM_block2:
		cursor_skip(c, cursor_fixed(c, 2));
		break;
	case DW_FORM_block4:
		cursor_skip(c, cursor_fixed(c, 4));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		cursor_skip(c, cursor_uleb(c));
		break;
	default:
		cursor_fail(c);
	}
}

void form_skip(struct cursor *c, uint64_t form, const struct form_params *params)
{
	struct value ignored;

	if (form == DW_FORM_indirect)
		form = real_form(c);
	uint8_t size = form_size(form, params);
	if (size == FORM_VARIABLE)
		read_variable(c, form, &ignored);
	else
		cursor_skip(c, size);
}

void form_read(struct cursor *c, uint64_t form, int64_t implicit, const struct form_params *params,
	struct value *out)
{
	if (form == DW_FORM_indirect)
		form = real_form(c);
	*out = (struct value){.form = form};
	switch (form_size(form, params)) {
	case 0:
		out->number = form == DW_FORM_implicit_const ? (uint64_t)implicit : 1;
		break;
	case 1:
		out->number = cursor_fixed(c, 1);
		break;
	case 2:
		out->number = cursor_fixed(c, 2);
		break;
	case 3:
		out->number = cursor_fixed(c, 3);
		break;
	case 4:
		out->number = cursor_fixed(c, 4);
		break;
	case 8:
		out->number = cursor_fixed(c, 8);
		break;
	case 16:
		cursor_skip(c, 16);
		break;
	default:
		read_variable(c, form, out);
	}
}
