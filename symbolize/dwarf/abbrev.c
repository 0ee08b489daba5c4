/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "symbolize/dwarf/abbrev.h"

#define ABBREVS_MAX (1u << 20)
#define SPECS_MAX   (1u << 22)

static enum slot slot_of(uint64_t attribute)
{
	switch (attribute) {
	case DW_AT_sibling:
		return SLOT_SIBLING;
	case DW_AT_name:
		return SLOT_NAME;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		return SLOT_LINKAGE_NAME;
	case DW_AT_low_pc:
		return SLOT_LOW_PC;
	case DW_AT_high_pc:
		return SLOT_HIGH_PC;
	case DW_AT_ranges:
		return SLOT_RANGES;
	case DW_AT_abstract_origin:
		return SLOT_ABSTRACT_ORIGIN;
	case DW_AT_specification:
		return SLOT_SPECIFICATION;
	case DW_AT_decl_line:
		return SLOT_DECL_LINE;
	case DW_AT_call_file:
		return SLOT_CALL_FILE;
	case DW_AT_call_line:
		return SLOT_CALL_LINE;
	case DW_AT_stmt_list:
		return SLOT_STMT_LIST;
	case DW_AT_comp_dir:
		return SLOT_COMP_DIR;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		return SLOT_DWO_NAME;
	case DW_AT_GNU_dwo_id:
		return SLOT_DWO_ID;
	case DW_AT_str_offsets_base:
		return SLOT_STR_OFFSETS_BASE;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		return SLOT_ADDR_BASE;
	case DW_AT_rnglists_base:
		return SLOT_RNGLISTS_BASE;
	case DW_AT_GNU_ranges_base:
		return SLOT_RANGES_BASE;
	case DW_AT_data_member_location:
		return SLOT_MEMBER_LOCATION;
	default:
		return SLOT_NONE;
	}
}

/* 1 at the end of the abbreviation. */
static int read_spec(
	struct abbrevs *a, struct abbrev *to, struct cursor *c, const struct form_params *params)
{
	uint64_t attribute = cursor_uleb(c), form = cursor_uleb(c);

	if (!attribute && !form)
		return 1;
	if (c->is_bad || form > UINT16_MAX)
		return -EINVAL;
	int error =
		list_room(&a->specs, a->n_specs, 1, &a->specs_room, sizeof(*a->specs), SPECS_MAX);
	if (error)
		return error == -E2BIG ? -EINVAL : error;
	struct abbrev_spec spec = {.form = form, .slot = slot_of(attribute)};
	if (form == DW_FORM_implicit_const)
		spec.constant = cursor_sleb(c);
	spec.size = form_size(form, params);
	if (spec.size == FORM_VARIABLE || to->size == ABBREV_VARIABLE)
		to->size = ABBREV_VARIABLE;
	else
		to->size += spec.size;
	to->slots |= 1u << spec.slot;
	a->specs[a->n_specs++] = spec;
	to->n++;
	return 0;
}

/* 1 at the end of the table. */
static int read_abbrev(struct abbrevs *a, struct cursor *c, const struct form_params *params)
{
	struct abbrev entry = {.code = cursor_uleb(c), .first = a->n_specs};
	int error = 0;

	if (!entry.code)
		return c->is_bad ? -EINVAL : 1;
	entry.tag = cursor_uleb(c);
	entry.has_children = cursor_u8(c);
	while (!error)
		error = read_spec(a, &entry, c, params);
	if (error == 1)
		error = list_room(&a->v, a->n, 1, &a->room, sizeof(*a->v), ABBREVS_MAX);
	if (error)
		return error == -E2BIG ? -EINVAL : error;
	a->v[a->n++] = entry;
	return 0;
}

static int by_code(const void *a, const void *b)
{
	const struct abbrev *x = a, *y = b;

	return (x->code > y->code) - (x->code < y->code);
}

int abbrevs_init(struct abbrevs *a, struct cursor from, const struct form_params *params)
{
	int error = 0;

	memset(a, 0, sizeof(*a));
	while (!error)
		error = read_abbrev(a, &from, params);
	if (error < 0) {
		abbrevs_fini(a);
		return error;
	}
	for (uint32_t i = 1; i < a->n; i++)
		if (a->v[i - 1].code > a->v[i].code) {
			qsort(a->v, a->n, sizeof(*a->v), by_code);
			break;
		}
	return 0;
}

void abbrevs_fini(struct abbrevs *a)
{
	free(a->v);
	free(a->specs);
	memset(a, 0, sizeof(*a));
}

const struct abbrev *abbrevs_search(const struct abbrevs *a, uint64_t code)
{
	struct abbrev key = {.code = code};

	return a->n ? bsearch(&key, a->v, a->n, sizeof(*a->v), by_code) : NULL;
}
