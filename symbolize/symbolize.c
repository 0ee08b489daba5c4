/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolize/inlines.h"
#include "symbolize/lines.h"
#include "symbolize/names.h"
#include "symbolize/symbolize.h"

/* One address that was asked for, and its answer. */
struct query {
	uint64_t vaddr;
	uint32_t asked; /* position in the request */
	uint32_t n;
	struct symbol *lines;
	Dwarf_Off unit; /* of the compile unit, or NO_UNIT */
};

#define NO_UNIT	 UINT64_MAX
#define NO_VADDR UINT64_MAX

struct batch {
	struct symbolizer *s;
	struct query *v; /* sorted by unit and address */
	uint32_t n;
	struct names names;
};

void symbolizer_init(struct symbolizer *s, struct modules *modules)
{
	memset(s, 0, sizeof(*s));
	s->modules = modules;
}

static void forget(struct symbolizer *s)
{
	if (s->has_symtab)
		symtab_fini(&s->symtab);
	if (s->has_ranges)
		cu_ranges_fini(&s->ranges);
	if (s->current)
		module_drop_dwarf(s->current);
	s->has_symtab = s->has_ranges = 0;
	s->current = NULL;
}

void symbolizer_fini(struct symbolizer *s)
{
	forget(s);
}

static int prepare(struct symbolizer *s, struct module *m, enum symbols_level level)
{
	int error = 0;

	if (s->current != m)
		forget(s);
	s->current = m;
	if (!s->has_symtab) {
		error = symtab_init(&s->symtab, m);
		s->has_symtab = !error;
	}
	if (error || level != SYMBOLS_FULL || s->has_ranges || !module_dwarf(m))
		return error;
	error = cu_ranges_init(&s->ranges, module_dwarf(m));
	s->has_ranges = !error;
	return error;
}

/* --- one address -------------------------------------------------------------------------- */

static const char *linkage_name(struct batch *b, const struct query *q, const char *from_dwarf)
{
	const struct symtab_entry *e = symtab_find(&b->s->symtab, q->vaddr);

	return e ? e->name : from_dwarf;
}

static int set_line(struct batch *b, struct symbol *out, const char *name, const char *file,
	uint32_t line, uint32_t start_line)
{
	const struct name *both = names_function(&b->names, name ? name : "");

	if (!both)
		return -ENOMEM;
	out->system_name = both->raw;
	out->name = both->shown;
	out->file = file ? names_path(&b->names, file) : "";
	out->line = line;
	out->start_line = start_line;
	return out->file ? 0 : -ENOMEM;
}

static int by_symtab(struct batch *b, struct query *q, const char *file, uint32_t line)
{
	const char *name = linkage_name(b, q, NULL);

	if (!name)
		return 0;
	q->lines = calloc(1, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	q->n = 1;
	return set_line(b, q->lines, name, file, line, 0);
}

static uint32_t chain_length(const struct inlines *x, int32_t scope)
{
	uint32_t n = 0;

	for (; scope >= 0 && n < LIMIT_INLINE_DEPTH; scope = x->scopes[scope].parent)
		n++;
	return n;
}

/* From the innermost function outwards: where the code is, then where each was called. */
static int by_chain(
	struct batch *b, struct query *q, Dwarf_Die *unit, const struct inlines *x, int32_t scope)
{
	const char *file;
	uint32_t line;
	int error = 0;

	lines_find(unit, q->vaddr, &file, &line);
	if (scope < 0)
		return by_symtab(b, q, file, line);
	uint32_t n = chain_length(x, scope);
	q->lines = calloc(n, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	q->n = n;
	for (uint32_t i = 0; i < n && !error; i++) {
		const struct inlines_scope *at = &x->scopes[scope];
		const char *name = inlines_name(at);
		if (!inlines_is_inlined(at))
			name = linkage_name(b, q, name);
		error = set_line(b, &q->lines[i], name, file, line, inlines_start_line(at));
		if (inlines_is_inlined(at))
			inlines_call_site(at, unit, &file, &line);
		scope = at->parent;
	}
	return error;
}

/* --- a compile unit's addresses ----------------------------------------------------------- */

static int one_unit(struct batch *b, uint32_t from, uint32_t to)
{
	uint64_t *vaddrs = malloc((to - from) * sizeof(*vaddrs));
	struct inlines x;
	Dwarf_Die unit;
	int error = vaddrs ? 0 : -ENOMEM;

	for (uint32_t i = from; vaddrs && i < to; i++)
		vaddrs[i - from] = b->v[i].vaddr;
	if (!error && !dwarf_offdie(module_dwarf(b->s->current), b->v[from].unit, &unit))
		error = -EBADMSG;
	if (!error)
		error = inlines_init(&x, &unit, vaddrs, to - from);
	if (!error) {
		for (uint32_t i = from; i < to && !error; i++)
			error = by_chain(b, &b->v[i], &unit, &x, x.innermost[i - from]);
		inlines_fini(&x);
	}
	free(vaddrs);
	return error == -EBADMSG ? 0 : error;
}

static int answer_all(struct batch *b)
{
	int error = 0;

	for (uint32_t i = 0, next; i < b->n && !error; i = next) {
		next = i + 1;
		if (b->v[i].vaddr == NO_VADDR)
			continue;
		if (b->v[i].unit == NO_UNIT) {
			error = by_symtab(b, &b->v[i], NULL, 0);
			continue;
		}
		while (next < b->n && b->v[next].unit == b->v[i].unit)
			next++;
		error = one_unit(b, i, next);
	}
	return error;
}

/* --- the request -------------------------------------------------------------------------- */

static int by_unit(const void *a, const void *b)
{
	const struct query *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return (x->vaddr > y->vaddr) - (x->vaddr < y->vaddr);
}

static int by_asked(const void *a, const void *b)
{
	const struct query *x = a, *y = b;

	return (x->asked > y->asked) - (x->asked < y->asked);
}

static void fill(struct batch *b, struct module *m, const uint64_t *offsets)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct query *q = &b->v[i];
		*q = (struct query){.vaddr = NO_VADDR, .asked = i, .unit = NO_UNIT};
		if (!m || module_offset_to_vaddr(m, offsets[i], &q->vaddr) < 0)
			continue;
		const struct cu_range *range =
			b->s->has_ranges ? cu_ranges_find(&b->s->ranges, q->vaddr) : NULL;
		if (range)
			q->unit = range->unit;
	}
}

static int emit_all(struct batch *b, const uint64_t *offsets, symbolize_emit *emit, void *arg)
{
	int error = 0;

	qsort(b->v, b->n, sizeof(*b->v), by_asked);
	for (uint32_t i = 0; i < b->n && !error; i++)
		error = emit(arg, offsets[i], b->v[i].lines, b->v[i].n);
	return error;
}

int symbolizer_request(struct symbolizer *s, const struct worker_symbolize *ask,
	const uint64_t *offsets, symbolize_emit *emit, void *arg)
{
	struct batch b = {.s = s, .n = ask->n, .v = calloc(ask->n + 1, sizeof(*b.v))};
	struct module *m = modules_get(s->modules, ask->module);
	int error = b.v ? 0 : -ENOMEM;

	if (m && (!module_is_readable(m) || ask->level == SYMBOLS_NONE))
		m = NULL;
	names_init(&b.names, ask->demangle);
	if (!error && m)
		error = prepare(s, m, ask->level);
	if (!error) {
		fill(&b, m, offsets);
		qsort(b.v, b.n, sizeof(*b.v), by_unit);
		error = answer_all(&b);
	}
	if (!error)
		error = emit_all(&b, offsets, emit, arg);
	for (uint32_t i = 0; b.v && i < b.n; i++)
		free(b.v[i].lines);
	free(b.v);
	names_fini(&b.names);
	return error;
}
