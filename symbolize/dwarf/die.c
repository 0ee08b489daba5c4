/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "symbolize/dwarf/die.h"

/* Inlined function, its abstract instance, its declaration in a class: three. Damaged debug
 * information may go in circles. */
#define REFERENCES_MAX 16u

void die_read_values(
	struct unit *u, const struct abbrevs *abbrevs, struct cursor *c, struct die *out)
{
	const struct abbrev_spec *spec = abbrevs->specs + out->abbrev->first;

	out->has = 0;
	for (uint32_t i = 0; i < out->abbrev->n && !c->is_bad; i++, spec++) {
		/* Of two attributes for one slot (a linkage name of old) the first counts. */
		if (spec->slot == SLOT_NONE || die_has(out, spec->slot)) {
			if (spec->size == FORM_VARIABLE)
				form_skip(c, spec->form, &u->params);
			else
				cursor_skip(c, spec->size);
			continue;
		}
		form_read(c, spec->form, spec->constant, &u->params, &out->v[spec->slot]);
		out->has |= 1u << spec->slot;
	}
	if (c->is_bad)
		out->has = 0;
}

int die_read(struct unit *u, uint64_t offset, struct die *out)
{
	const struct abbrevs *abbrevs = unit_abbrevs(u);
	struct cursor c = unit_at(u, offset);
	uint64_t code = cursor_uleb(&c);

	out->offset = offset;
	out->has = 0;
	out->abbrev = abbrevs && code ? abbrevs_find(abbrevs, code) : NULL;
	if (c.is_bad || offset < u->die || (code && !out->abbrev))
		return -EINVAL;
	if (code)
		die_read_values(u, abbrevs, &c, out);
	return c.is_bad ? -EINVAL : 0;
}

static void take_names(struct unit *u, const struct die *d, struct die_name *out)
{
	if (!out->linkage && die_has(d, SLOT_LINKAGE_NAME))
		out->linkage = unit_string(u, &d->v[SLOT_LINKAGE_NAME]);
	if (!out->plain && die_has(d, SLOT_NAME))
		out->plain = unit_string(u, &d->v[SLOT_NAME]);
	if (!out->decl_line && die_has(d, SLOT_DECL_LINE) &&
		d->v[SLOT_DECL_LINE].number <= UINT32_MAX)
		out->decl_line = d->v[SLOT_DECL_LINE].number;
}

void die_name(struct unit *u, uint64_t offset, struct die_name *out)
{
	struct die d;

	*out = (struct die_name){0};
	for (unsigned i = 0; i < REFERENCES_MAX && die_read(u, offset, &d) == 0; i++) {
		enum slot to = die_has(&d, SLOT_ABSTRACT_ORIGIN) ? SLOT_ABSTRACT_ORIGIN
								 : SLOT_SPECIFICATION;
		take_names(u, &d, out);
		if (!die_has(&d, to) || unit_reference(u, &d.v[to], &u, &offset) < 0)
			return;
	}
}
