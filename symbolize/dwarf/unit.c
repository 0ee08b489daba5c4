/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "symbolize/dwarf/die.h"
#include "symbolize/dwarf/file.h"

/* What the rest of the header has, for units of DWARF 5 by their type. */
static void read_header(struct unit *u, struct cursor *c, uint64_t abbrev_base)
{
	uint8_t address_size;

	u->params.version = cursor_fixed(c, 2);
	u->type = DW_UT_compile;
	if (u->params.version >= 5) {
		u->type = cursor_u8(c);
		address_size = cursor_u8(c);
		u->abbrev_offset = abbrev_base + cursor_offset(c, u->params.offset_size);
	} else {
		u->abbrev_offset = abbrev_base + cursor_offset(c, u->params.offset_size);
		address_size = cursor_u8(c);
	}
	if (u->params.version < 2 || u->params.version > 5 || address_size != ADDRESS_SIZE)
		cursor_fail(c);
	switch (u->type) {
	case DW_UT_skeleton:
	case DW_UT_split_compile:
		u->dwo_id = cursor_fixed(c, 8);
		u->has |= UNIT_DWO_ID;
		break;
	case DW_UT_type:
	case DW_UT_split_type:
		cursor_skip(c, 8 + u->params.offset_size);
		break;
	default:
		break;
	}
}

/* Where nothing is said a table of DWARF 5 is the first of its section, behind its header; the
 * tables of GNU's split units have none. */
static void set_bases(struct unit *u)
{
	int is_wide = u->params.offset_size == 8;

	if (u->params.version < 5)
		return;
	u->str_offsets_base = is_wide ? 16 : 8;
	u->addr_base = is_wide ? 16 : 8;
	u->rnglists_base = is_wide ? 20 : 12;
}

int unit_init(struct unit *u, struct dwarf_file *file, uint64_t offset, uint64_t abbrev_base,
	uint64_t *end)
{
	const struct section *info = &file->sections.v[SECTION_INFO];
	struct cursor c = section_at(&file->sections, SECTION_INFO, offset);

	*u = (struct unit){.file = file, .start = offset};
	uint64_t length = cursor_unit_length(&c, &u->params.offset_size);
	*end = c.is_bad ? 0 : (uint64_t)(c.at - info->bytes) + length;
	u->end = *end;
	if (c.is_bad)
		return -EINVAL;
	c.end = c.at + length;
	read_header(u, &c, abbrev_base);
	u->die = c.at - info->bytes;
	set_bases(u);
	return c.is_bad ? -EINVAL : 0;
}

struct cursor unit_at(const struct unit *u, uint64_t offset)
{
	const unsigned char *info = u->file->sections.v[SECTION_INFO].bytes;
	struct cursor c = {info + u->start, info + u->end, 0};

	if (offset < u->start)
		cursor_fail(&c);
	else
		cursor_skip(&c, offset - u->start);
	return c;
}

const struct abbrevs *unit_abbrevs(struct unit *u)
{
	if (u->abbrevs)
		return u->abbrevs;
	struct abbrevs *a = malloc(sizeof(*a));
	if (!a)
		return NULL;
	struct cursor c = section_at(&u->file->sections, SECTION_ABBREV, u->abbrev_offset);
	if (abbrevs_init(a, c, &u->params)) {
		free(a);
		return NULL;
	}
	u->abbrevs = a;
	u->file->abbrevs += a->n;
	return a;
}

void unit_drop_abbrevs(struct unit *u)
{
	if (!u->abbrevs)
		return;
	u->file->abbrevs -= u->abbrevs->n;
	abbrevs_fini(u->abbrevs);
	free(u->abbrevs);
	u->abbrevs = NULL;
}

/* What strings and addresses of the unit count from, before any of them is read. */
static void read_bases(struct unit *u, const struct die *root)
{
	if (die_has(root, SLOT_STR_OFFSETS_BASE))
		u->str_offsets_base = root->v[SLOT_STR_OFFSETS_BASE].number;
	if (die_has(root, SLOT_ADDR_BASE))
		u->addr_base = root->v[SLOT_ADDR_BASE].number;
	if (die_has(root, SLOT_RNGLISTS_BASE))
		u->rnglists_base = root->v[SLOT_RNGLISTS_BASE].number;
	if (die_has(root, SLOT_RANGES_BASE))
		u->ranges_base = root->v[SLOT_RANGES_BASE].number;
}

int unit_read_root(struct unit *u, struct die *root)
{
	int error = die_read(u, u->die, root);

	if (error)
		return error;
	if (!root->abbrev)
		return -EINVAL;
	read_bases(u, root);
	if (die_has(root, SLOT_DWO_ID)) {
		u->dwo_id = root->v[SLOT_DWO_ID].number;
		u->has |= UNIT_DWO_ID;
	}
	if (die_has(root, SLOT_STMT_LIST)) {
		u->lines = root->v[SLOT_STMT_LIST].number;
		u->has |= UNIT_LINES;
	}
	if (die_has(root, SLOT_COMP_DIR))
		u->comp_dir = unit_string(u, &root->v[SLOT_COMP_DIR]);
	if (die_has(root, SLOT_DWO_NAME))
		u->dwo_name = unit_string(u, &root->v[SLOT_DWO_NAME]);
	if (die_has(root, SLOT_LOW_PC))
		unit_address(u, &root->v[SLOT_LOW_PC], &u->low_pc);
	return 0;
}

static const char *string_at(const struct dwarf_file *f, enum section_id id, uint64_t offset)
{
	struct cursor c = {0};

	if (f)
		c = section_at(&f->sections, id, offset);
	return f ? cursor_string(&c) : NULL;
}

static const char *indexed_string(const struct unit *u, uint64_t number)
{
	uint64_t size = u->params.offset_size;
	struct cursor c = section_at(&u->file->sections, SECTION_STR_OFFSETS, u->str_offsets_base);

	cursor_skip_items(&c, number, size);
	uint64_t offset = cursor_offset(&c, size);
	return c.is_bad ? NULL : string_at(u->file, SECTION_STR, offset);
}

const char *unit_string(const struct unit *u, const struct value *v)
{
	switch (v->form) {
	case DW_FORM_string:
		return v->string;
	case DW_FORM_strp:
		return string_at(u->file, SECTION_STR, v->number);
	case DW_FORM_line_strp:
		return string_at(u->file, SECTION_LINE_STR, v->number);
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_strp_sup:
		return string_at(u->file->alt, SECTION_STR, v->number);
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return indexed_string(u, v->number);
	default:
		return NULL;
	}
}

int unit_indexed_address(const struct unit *u, uint64_t number, uint64_t *out)
{
	const struct unit *where = u->skeleton ? u->skeleton : u;
	struct cursor c = section_at(&where->file->sections, SECTION_ADDR, where->addr_base);

	cursor_skip_items(&c, number, ADDRESS_SIZE);
	*out = cursor_fixed(&c, ADDRESS_SIZE);
	return c.is_bad ? -EINVAL : 0;
}

int unit_address(const struct unit *u, const struct value *v, uint64_t *out)
{
	switch (v->form) {
	case DW_FORM_addr:
		*out = v->number;
		return 0;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return unit_indexed_address(u, v->number, out);
	default:
		return -EINVAL;
	}
}

static int reference_in(struct dwarf_file *f, uint64_t at, struct unit **target, uint64_t *offset)
{
	*target = f ? dwarf_file_unit(f, at) : NULL;
	*offset = at;
	return *target ? 0 : -EINVAL;
}

int unit_reference(struct unit *u, const struct value *v, struct unit **target, uint64_t *offset)
{
	switch (v->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		*target = u;
		*offset = u->start + v->number;
		return v->number < u->end - u->start ? 0 : -EINVAL;
	case DW_FORM_ref_addr:
		return reference_in(u->file, v->number, target, offset);
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
		return reference_in(u->file->alt, v->number, target, offset);
	default:
		return -EINVAL;
	}
}
