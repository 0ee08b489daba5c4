/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
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

#define CHAIN_MAX (LIMIT_INLINE_DEPTH + 1) /* and the function itself */

struct batch {
	struct symbolizer *s;
	struct query *v; /* sorted by unit and address */
	uint32_t n;
	enum symbols_level level;
	const char *directory; /* where the current unit was compiled; NULL: unknown */
};

/* Compile units whose tables libdw may hold at a time, some MB each: line tables above all. */
#define UNITS_KEPT 32u

/* Strings at the start of a batch; it adds some MB. */
#define NAMES_KEPT (64 * MIB)

void symbolizer_init(
	struct symbolizer *s, struct modules *modules, void (*beat)(void *arg), void *arg)
{
	memset(s, 0, sizeof(*s));
	s->modules = modules;
	s->beat = beat;
	s->arg = arg;
}

static void beat(const struct symbolizer *s)
{
	if (s->beat)
		s->beat(s->arg);
}

static void forget(struct symbolizer *s)
{
	if (s->has_symtab)
		symtab_fini(&s->symtab);
	if (s->has_ranges)
		cu_ranges_fini(&s->ranges);
	if (s->current)
		module_drop_dwarf(s->current);
	names_fini(&s->names);
	s->has_symtab = s->has_ranges = 0;
	s->units = 0;
	s->current = NULL;
}

void symbolizer_fini(struct symbolizer *s)
{
	forget(s);
}

/* Batches of one module have most names in common. */
static void prepare_names(struct symbolizer *s, enum demangle_level level)
{
	if (s->names.level == level && s->names.bytes < NAMES_KEPT)
		return;
	names_fini(&s->names);
	names_init(&s->names, level);
}

static int prepare(struct symbolizer *s, struct module *m, enum symbols_level level)
{
	int error = 0;

	/* A debug file that came meanwhile has more symbols. */
	if (s->current != m || s->debug != module_debug_elf(m))
		forget(s);
	s->current = m;
	s->debug = module_debug_elf(m);
	if (!s->has_symtab) {
		error = symtab_init(&s->symtab, m);
		s->has_symtab = !error;
		beat(s);
	}
	if (error || level != SYMBOLS_FULL || s->has_ranges || !module_dwarf(m))
		return error;
	error = cu_ranges_init(&s->ranges, module_dwarf(m));
	s->has_ranges = !error;
	beat(s);
	return error;
}

/* --- one address -------------------------------------------------------------------------- */

static int set_line(struct batch *b, struct symbol *out, const struct name *both, const char *file,
	uint32_t line, uint32_t start_line)
{
	if (!both)
		return -ENOMEM;
	out->system_name = both->raw;
	out->name = both->shown;
	out->file = file ? names_path(&b->s->names, b->directory, file) : "";
	out->line = line;
	out->start_line = start_line;
	return out->file ? 0 : -ENOMEM;
}

static const struct name *symtab_name(struct batch *b, const struct symtab_entry *e)
{
	return names_function(&b->s->names, e->name, e->is_plt);
}

/* Go's own table: names of what is stripped, and where there is no DWARF lines and inlined
 * functions, too. */
static int by_gopclntab(struct batch *b, struct query *q)
{
	const struct gopclntab *t = module_gopclntab(b->s->current);
	struct go_line lines[CHAIN_MAX];
	struct go_function f;
	uint32_t n = 1;
	int error = 0;

	if (!t || gopclntab_find(t, q->vaddr, &f) < 0)
		return 0;
	if (b->level == SYMBOLS_FULL)
		n = gopclntab_lines(t, &f, q->vaddr, lines, CHAIN_MAX);
	else
		lines[0] = (struct go_line){.name = f.name};
	const struct symtab_entry *e = symtab_find(&b->s->symtab, q->vaddr);
	q->lines = calloc(n, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	for (; q->n < n && !error; q->n++) {
		const struct go_line *line = &lines[q->n];
		const struct name *both = e && q->n == n - 1
						  ? symtab_name(b, e)
						  : names_function(&b->s->names, line->name, 0);
		error = set_line(
			b, &q->lines[q->n], both, line->file, line->line, line->start_line);
	}
	return error;
}

static int by_symtab(struct batch *b, struct query *q, const char *file, uint32_t line)
{
	const struct symtab_entry *e = symtab_find(&b->s->symtab, q->vaddr);

	if (!e)
		return 0;
	q->lines = calloc(1, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	q->n = 1;
	return set_line(b, q->lines, symtab_name(b, e), file, line, 0);
}

/* An address that no unit of the debug information covers. */
static int without_dwarf(struct batch *b, struct query *q)
{
	int error = by_gopclntab(b, q);

	return error || q->n ? error : by_symtab(b, q, NULL, 0);
}

/* What the scope is called: the function at the address as in the symbol table. */
static const struct name *scope_name(
	struct batch *b, const struct query *q, const struct inlines_scope *scope)
{
	const struct symtab_entry *e =
		inlines_is_inlined(scope) ? NULL : symtab_find(&b->s->symtab, q->vaddr);
	const char *name = e ? NULL : inlines_name(scope);

	return e ? symtab_name(b, e) : names_function(&b->s->names, name ? name : "", 0);
}

/* An inlined function whose name cannot be had: dwz may have moved it to a file that is not here.
 */
static int is_nameless(const struct inlines_scope *scope)
{
	return inlines_is_inlined(scope) && !inlines_name(scope);
}

static uint32_t chain_length(const struct inlines *x, int32_t scope)
{
	uint32_t n = 0;

	for (; scope >= 0; scope = x->scopes[scope].parent)
		n++;
	return n;
}

/* From the innermost function outwards: where the code is, then where each was called. Of a chain
 * that is too long the middle is left out: the last line is the function itself. A function without
 * a name is left out too, and the one around it stands for it: with the line that is executed. */
static int by_chain(
	struct batch *b, struct query *q, Dwarf_Die *unit, const struct inlines *x, int32_t scope)
{
	const char *file;
	uint32_t line;
	int error = 0;

	lines_find(unit, q->vaddr, &file, &line);
	if (scope < 0)
		return by_symtab(b, q, file, line);
	uint32_t depth = chain_length(x, scope);
	q->lines = calloc(depth < CHAIN_MAX ? depth : CHAIN_MAX, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	for (; scope >= 0 && !error; scope = x->scopes[scope].parent, depth--) {
		const struct inlines_scope *at = &x->scopes[scope];
		if (is_nameless(at))
			continue;
		if (q->n + 1 < CHAIN_MAX || depth == 1)
			error = set_line(b, &q->lines[q->n++], scope_name(b, q, at), file, line,
				inlines_start_line(at));
		if (inlines_is_inlined(at))
			inlines_call_site(at, unit, &file, &line);
	}
	return error;
}

/* --- a compile unit's addresses ----------------------------------------------------------- */

/* Where the unit's functions are: in a file of their own if it was compiled with -gsplit-dwarf. In
 * the worker's sandbox that file cannot be opened, and then there are lines only. */
static Dwarf_Die *code_of(Dwarf_Die *unit, Dwarf_Die *split)
{
	uint8_t type = 0;

	if (dwarf_cu_info(unit->cu, NULL, &type, NULL, split, NULL, NULL, NULL) < 0 ||
		type != DW_UT_skeleton || !split->addr)
		return unit;
	return split;
}

static int answer_unit(
	struct batch *b, Dwarf_Die *unit, const uint64_t *vaddrs, struct query *v, uint32_t n)
{
	Dwarf_Attribute attribute;
	Dwarf_Die split;
	struct inlines x;
	int error = inlines_init(&x, code_of(unit, &split), vaddrs, n);

	if (error)
		return error;
	b->directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
	for (uint32_t i = 0; i < n && !error; i++)
		error = by_chain(b, &v[i], unit, &x, x.innermost[i]);
	b->directory = NULL;
	inlines_fini(&x);
	return error;
}

/* libdw gives back a unit's tables only with all others; a unit is known by its offset, so that the
 * debug information can be opened anew. */
static Dwarf_Die *open_unit(struct symbolizer *s, Dwarf_Off unit, Dwarf_Die *out)
{
	if (s->units == UNITS_KEPT) {
		module_drop_dwarf(s->current);
		s->units = 0;
	}
	s->units += !s->units || unit != s->last_unit;
	s->last_unit = unit;
	return dwarf_offdie(module_dwarf(s->current), unit, out);
}

static int one_unit(struct batch *b, struct query *v, uint32_t n)
{
	uint64_t *vaddrs = malloc(n * sizeof(*vaddrs));
	Dwarf_Die unit;
	int error = 0;

	if (!vaddrs)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		vaddrs[i] = v[i].vaddr;
	if (open_unit(b->s, v->unit, &unit))
		error = answer_unit(b, &unit, vaddrs, v, n);
	else
		for (uint32_t i = 0; i < n && !error; i++)
			error = without_dwarf(b, &v[i]);
	free(vaddrs);
	beat(b->s);
	return error;
}

static int answer_all(struct batch *b)
{
	int error = 0;

	for (uint32_t i = 0, next; i < b->n && !error; i = next) {
		next = i + 1;
		if (b->v[i].vaddr == NO_VADDR)
			continue;
		if (b->v[i].unit == NO_UNIT) {
			error = without_dwarf(b, &b->v[i]);
			continue;
		}
		while (next < b->n && b->v[next].unit == b->v[i].unit)
			next++;
		error = one_unit(b, &b->v[i], next - i);
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
		const struct cu_range *range = b->level == SYMBOLS_FULL && b->s->has_ranges
						       ? cu_ranges_find(&b->s->ranges, q->vaddr)
						       : NULL;
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
	struct batch b = {
		.s = s,
		.n = ask->n,
		.level = ask->level,
		.v = calloc(ask->n + 1, sizeof(*b.v)),
	};
	struct module *m = modules_get(s->modules, ask->module);
	int error = b.v ? 0 : -ENOMEM;

	if (m && (!module_is_readable(m) || ask->level == SYMBOLS_NONE))
		m = NULL;
	if (!error && m)
		error = prepare(s, m, ask->level);
	prepare_names(s, ask->demangle);
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
	return error;
}
