/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/dwarf/file.h"
#include "symbolize/dwarf/range.h"
#include "symbolize/inlines.h"

#define DEPTH_MAX  512u
#define SCOPES_MAX (INT32_MAX / 64)

/* A DIE whose children are being read. */
struct level {
	int32_t scope;	/* the function around them; -1: none */
	uint8_t is_hit; /* some address is in the code around them */
	uint8_t is_ignored;
};

struct scan {
	struct inlines *x;
	const struct abbrevs *abbrevs;
	struct cursor c;
	const unsigned char *info; /* offset 0 */
	struct level levels[DEPTH_MAX];
	uint32_t depth;
	int error;
};

enum kind { KIND_OTHER, KIND_FUNCTION, KIND_INLINED, KIND_BLOCK, KIND_TYPE };

static enum kind kind_of(uint16_t tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
		return KIND_FUNCTION;
	case DW_TAG_inlined_subroutine:
		return KIND_INLINED;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return KIND_BLOCK;
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type: /* Rust's have methods */
		return KIND_TYPE;
	default:
		return KIND_OTHER;
	}
}

/* --- which addresses a function covers ---------------------------------------------------- */

struct covering {
	struct scan *s;
	const struct die *die;
	int32_t parent, scope; /* scope -1: not kept yet */
	uint32_t depth;
};

static uint32_t number(const struct die *d, enum slot slot, uint32_t otherwise)
{
	return die_has(d, slot) && d->v[slot].number < UINT32_MAX ? d->v[slot].number : otherwise;
}

static int keep_scope(struct covering *k)
{
	struct inlines *x = k->s->x;
	int error = list_room(&x->scopes, x->n, 1, &x->room, sizeof(*x->scopes), SCOPES_MAX);

	if (error)
		return error;
	x->scopes[x->n] = (struct inlines_scope){
		.die = k->die->offset,
		.parent = k->parent,
		.is_inlined = k->die->abbrev->tag == DW_TAG_inlined_subroutine,
		.call_file = number(k->die, SLOT_CALL_FILE, UNIT_NO_FILE),
		.call_line = number(k->die, SLOT_CALL_LINE, 0),
	};
	k->scope = x->n++;
	return 0;
}

/* Gives the addresses in [start, end) this scope; it is only kept if there are any. */
static int cover(void *arg, uint64_t start, uint64_t end)
{
	struct covering *k = arg;
	struct inlines *x = k->s->x;

	for (uint32_t i = sorted_find(x->vaddrs, x->n_vaddrs, start);
		i < x->n_vaddrs && x->vaddrs[i] < end; i++) {
		if (x->innermost[i] >= 0 && x->depths[i] >= k->depth)
			continue;
		if (k->scope < 0) {
			int error = keep_scope(k);
			if (error)
				return error;
		}
		x->innermost[i] = k->scope;
		x->depths[i] = k->depth;
	}
	return 0;
}

/* --- the scan ----------------------------------------------------------------------------- */

static void skip_values(struct scan *s, const struct abbrev *a)
{
	const struct abbrev_spec *spec = s->abbrevs->specs + a->first;

	if (a->size != ABBREV_VARIABLE) {
		cursor_skip(&s->c, a->size);
		return;
	}
	for (uint32_t i = 0; i < a->n; i++, spec++)
		if (spec->size != FORM_VARIABLE)
			cursor_skip(&s->c, spec->size);
		else
			form_skip(&s->c, spec->form, &s->x->unit->params);
}

static int has(const struct abbrev *a, enum slot slot)
{
	return a->slots >> slot & 1;
}

/* To the DIE behind all that is below this one, if the compiler says where that is. */
static int jump(struct scan *s, const struct die *d)
{
	uint64_t here = s->c.at - s->info, next;
	struct unit *unit;

	if (!die_has(d, SLOT_SIBLING) || s->c.is_bad)
		return 0;
	if (unit_reference(s->x->unit, &d->v[SLOT_SIBLING], &unit, &next) < 0 ||
		unit != s->x->unit || next < here)
		cursor_fail(&s->c);
	else
		s->c.at = s->info + next;
	return 1;
}

static void enter(struct scan *s, const struct level *level)
{
	if (s->depth + 1 == DEPTH_MAX)
		cursor_fail(&s->c);
	else
		s->levels[++s->depth] = *level;
}

/* Nothing below it is of use. */
static void pass_over(struct scan *s, const struct abbrev *a)
{
	struct level below = {.scope = -1, .is_ignored = 1};
	struct die d = {.abbrev = a};

	if (a->has_children && has(a, SLOT_SIBLING)) {
		die_read_values(s->x->unit, s->abbrevs, &s->c, &d);
		if (jump(s, &d))
			return;
	} else {
		skip_values(s, a);
	}
	if (a->has_children)
		enter(s, &below);
}

/* Its children are scanned with it as the scope if it covers any address. A function that was
 * inlined where no address is is of no use. */
static void take_function(struct scan *s, const struct abbrev *a, uint64_t offset, int is_inlined)
{
	struct die d = {.offset = offset, .abbrev = a};
	struct covering k = {s, &d, is_inlined ? s->levels[s->depth].scope : -1, -1, s->depth};

	die_read_values(s->x->unit, s->abbrevs, &s->c, &d);
	s->error = range_each(s->x->unit, &d, cover, &k);
	int is_hit = k.scope >= 0, is_ignored = is_inlined && !is_hit;
	if (!a->has_children || (is_ignored && jump(s, &d)))
		return;
	enter(s, &(struct level){k.scope, is_hit, is_ignored});
}

/* Blocks, types, and functions without code. Where no address is in the code around they are still
 * entered: a local class may have functions with code elsewhere. */
static void take_block(struct scan *s, const struct abbrev *a, int is_function)
{
	struct level below = s->levels[s->depth];

	if (is_function)
		below = (struct level){.scope = -1};
	skip_values(s, a);
	if (a->has_children)
		enter(s, &below);
}

static void take_die(struct scan *s, const struct abbrev *a, uint64_t offset)
{
	const struct level *around = &s->levels[s->depth];
	enum kind kind = around->is_ignored ? KIND_OTHER : kind_of(a->tag);

	if (kind == KIND_OTHER || (kind == KIND_INLINED && !around->is_hit))
		pass_over(s, a);
	else if (kind == KIND_INLINED ||
		 (kind == KIND_FUNCTION && (has(a, SLOT_LOW_PC) || has(a, SLOT_RANGES))))
		take_function(s, a, offset, kind == KIND_INLINED);
	else
		take_block(s, a, kind == KIND_FUNCTION);
}

static void scan_children(struct scan *s)
{
	while (s->c.at < s->c.end && !s->error) {
		uint64_t offset = s->c.at - s->info, code = cursor_uleb(&s->c);
		if (!code) {
			if (s->depth == 0)
				return;
			s->depth--;
			continue;
		}
		const struct abbrev *a = abbrevs_find(s->abbrevs, code);
		if (!a) {
			cursor_fail(&s->c);
			return;
		}
		take_die(s, a, offset);
	}
}

static int scan_unit(struct inlines *x)
{
	struct scan s = {.x = x, .abbrevs = unit_abbrevs(x->unit)};
	struct die root;

	if (!s.abbrevs || die_read(x->unit, x->unit->die, &root) < 0 || !root.abbrev) {
		x->unit->file->is_damaged = 1;
		return 0;
	}
	if (!root.abbrev->has_children)
		return 0;
	s.c = unit_at(x->unit, x->unit->start);
	s.info = s.c.at - x->unit->start;
	cursor_skip(&s.c, x->unit->die - x->unit->start);
	cursor_uleb(&s.c);
	skip_values(&s, root.abbrev);
	s.levels[0] = (struct level){.scope = -1};
	scan_children(&s);
	x->unit->file->is_damaged |= s.c.is_bad;
	return s.error;
}

int inlines_init(struct inlines *x, struct unit *unit, const uint64_t *vaddrs, uint32_t n)
{
	memset(x, 0, sizeof(*x));
	x->unit = unit;
	x->vaddrs = vaddrs;
	x->n_vaddrs = n;
	x->innermost = malloc((n + 1) * sizeof(*x->innermost));
	x->depths = calloc(n + 1, sizeof(*x->depths));
	int error = x->innermost && x->depths ? 0 : -ENOMEM;
	if (!error) {
		memset(x->innermost, 0xff, (n + 1) * sizeof(*x->innermost));
		error = scan_unit(x);
	}
	if (error)
		inlines_fini(x);
	return error == -E2BIG ? -ENOMEM : error;
}

void inlines_fini(struct inlines *x)
{
	free(x->scopes);
	free(x->innermost);
	free(x->depths);
	memset(x, 0, sizeof(*x));
}

const char *inlines_name(
	const struct inlines *x, const struct inlines_scope *scope, uint32_t *decl_line)
{
	struct die_name name;

	die_name(x->unit, scope->die, &name);
	*decl_line = name.decl_line;
	return name.linkage && *name.linkage ? name.linkage
	       : name.plain && *name.plain   ? name.plain
					     : NULL;
}
