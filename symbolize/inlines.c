/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "symbolize/inlines.h"

#define DEPTH_MAX  128u
#define DIES_MAX   (32u * 1024 * 1024)
#define RANGES_MAX 65536u

struct walk {
	struct inlines *x;
	uint32_t dies;
	int error;
};

/* The first address that is not below start. */
static uint32_t lower_bound(const struct inlines *x, uint64_t start)
{
	uint32_t low = 0, high = x->n_vaddrs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (x->vaddrs[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Gives the addresses in [start, end) this scope; it is only kept if there are any. */
static int32_t cover(struct walk *w, uint64_t start, uint64_t end, Dwarf_Die *die, int32_t parent,
	int32_t scope, uint32_t depth)
{
	struct inlines *x = w->x;

	for (uint32_t i = lower_bound(x, start); i < x->n_vaddrs && x->vaddrs[i] < end; i++) {
		if (x->innermost[i] >= 0 && x->depths[i] >= depth)
			continue;
		if (scope < 0) {
			w->error = list_room(
				&x->scopes, x->n, 1, &x->room, sizeof(*x->scopes), INT32_MAX / 64);
			if (w->error)
				return -1;
			x->scopes[x->n] = (struct inlines_scope){*die, parent};
			scope = x->n++;
		}
		x->innermost[i] = scope;
		x->depths[i] = depth;
	}
	return scope;
}

/* The scope's number if it covers any address, else -1. */
static int32_t take_scope(struct walk *w, Dwarf_Die *die, int32_t parent, uint32_t depth)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	int32_t scope = -1;
	uint32_t steps = 0;

	while (!w->error && steps++ < RANGES_MAX &&
		(at = dwarf_ranges(die, at, &base, &start, &end)) > 0)
		/* 0: code that the linker threw away. */
		if (start && start < end)
			scope = cover(w, start, end, die, parent, scope, depth);
	return scope;
}

enum kind { KIND_OTHER, KIND_FUNCTION, KIND_INLINED, KIND_BLOCK, KIND_TYPE };

static enum kind kind_of(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
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

static void walk_children(
	struct walk *w, Dwarf_Die *die, int32_t scope, uint32_t depth, int is_hit);

/* is_hit: some address is in the code around this DIE. Where none is, blocks and types are still
 * entered: a local class may have functions with code elsewhere. */
static void walk_die(struct walk *w, Dwarf_Die *die, int32_t scope, uint32_t depth, int is_hit)
{
	enum kind kind = kind_of(die);

	if (kind == KIND_OTHER || (kind == KIND_INLINED && !is_hit))
		return;
	if (kind == KIND_FUNCTION || kind == KIND_INLINED) {
		int32_t own = take_scope(w, die, kind == KIND_INLINED ? scope : -1, depth);
		is_hit = own >= 0;
		if (kind == KIND_INLINED && !is_hit)
			return;
		scope = own;
	}
	if (dwarf_haschildren(die) == 1)
		walk_children(w, die, scope, depth + 1, is_hit);
}

static void walk_children(struct walk *w, Dwarf_Die *die, int32_t scope, uint32_t depth, int is_hit)
{
	Dwarf_Die child;

	if (depth > DEPTH_MAX || dwarf_child(die, &child) != 0)
		return;
	do {
		if (w->error || w->dies++ > DIES_MAX)
			return;
		walk_die(w, &child, scope, depth, is_hit);
	} while (dwarf_siblingof(&child, &child) == 0);
}

int inlines_init(struct inlines *x, Dwarf_Die *unit, const uint64_t *vaddrs, uint32_t n)
{
	struct walk w = {.x = x};

	memset(x, 0, sizeof(*x));
	x->vaddrs = vaddrs;
	x->n_vaddrs = n;
	x->innermost = malloc((n + 1) * sizeof(*x->innermost));
	x->depths = calloc(n + 1, sizeof(*x->depths));
	if (!x->innermost || !x->depths) {
		inlines_fini(x);
		return -ENOMEM;
	}
	memset(x->innermost, 0xff, (n + 1) * sizeof(*x->innermost));
	walk_children(&w, unit, -1, 0, 0);
	if (w.error)
		inlines_fini(x);
	return w.error;
}

void inlines_fini(struct inlines *x)
{
	free(x->scopes);
	free(x->innermost);
	free(x->depths);
	memset(x, 0, sizeof(*x));
}

const char *inlines_name(const struct inlines_scope *scope)
{
	static const unsigned attributes[] = {
		DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
	Dwarf_Die die = scope->die;
	Dwarf_Attribute attribute;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		const char *name =
			dwarf_formstring(dwarf_attr_integrate(&die, attributes[i], &attribute));
		if (name && *name)
			return name;
	}
	return NULL;
}

static uint32_t number(Dwarf_Die *die, unsigned name, int integrate)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Attribute *found = integrate ? dwarf_attr_integrate(die, name, &attribute)
					   : dwarf_attr(die, name, &attribute);

	if (!found || dwarf_formudata(found, &value) != 0 || value > UINT32_MAX)
		return 0;
	return value;
}

uint32_t inlines_start_line(const struct inlines_scope *scope)
{
	Dwarf_Die die = scope->die;

	return number(&die, DW_AT_decl_line, 1);
}

int inlines_is_inlined(const struct inlines_scope *scope)
{
	Dwarf_Die die = scope->die;

	return dwarf_tag(&die) == DW_TAG_inlined_subroutine;
}

void inlines_call_site(
	const struct inlines_scope *scope, Dwarf_Die *unit, const char **file, uint32_t *line)
{
	Dwarf_Die die = scope->die;
	Dwarf_Files *files;
	size_t n;

	*file = NULL;
	*line = number(&die, DW_AT_call_line, 0);
	/* Absent is not the first file. */
	if (!dwarf_hasattr(&die, DW_AT_call_file))
		return;
	uint32_t at = number(&die, DW_AT_call_file, 0);
	if (dwarf_getsrcfiles(unit, &files, &n) == 0 && at < n)
		*file = dwarf_filesrc(files, at, NULL, NULL);
}
