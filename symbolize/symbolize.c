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
	struct unit *unit; /* or NULL */
};

#define NO_VADDR UINT64_MAX

#define CHAIN_MAX (LIMIT_INLINE_DEPTH + 1) /* and the function itself */

struct batch {
	struct symbolizer *s;
	struct query *v; /* sorted by unit and address */
	uint32_t n;
	enum symbols_level level;
};

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
	if (s->has_dwarf)
		debug_info_close(&s->dwarf);
	names_fini(&s->names);
	s->has_symtab = s->has_dwarf = 0;
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
	if (error || level != SYMBOLS_FULL || s->has_dwarf)
		return error;
	error = debug_info_open(&s->dwarf, m);
	s->has_dwarf = !error;
	beat(s);
	/* Where the debug information is no good there are still symbols. */
	if (error == -EINVAL && !(module_flags(m) & MODULE_ZSTD))
		module_lacks(m, MODULE_BAD_DWARF);
	return error == -ENOMEM ? error : 0;
}

/* --- one address -------------------------------------------------------------------------- */

/* Where in the source; relative files are in directory, where the compiler ran. */
struct place {
	const char *directory, *file; /* or NULL */
	uint32_t line;
};

static const struct place nowhere;

static int set_line(struct batch *b, struct symbol *out, const struct name *both,
	const struct place *at, uint32_t start_line)
{
	if (!both)
		return -ENOMEM;
	out->system_name = both->raw;
	out->name = both->shown;
	out->file = at->file ? names_path(&b->s->names, at->directory, at->file) : "";
	out->line = at->line;
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
		struct place at = {NULL, line->file, line->line};
		error = set_line(b, &q->lines[q->n], both, &at, line->start_line);
	}
	return error;
}

static int by_symtab(struct batch *b, struct query *q, const struct place *at)
{
	const struct symtab_entry *e = symtab_find(&b->s->symtab, q->vaddr);

	if (!e)
		return 0;
	q->lines = calloc(1, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	q->n = 1;
	return set_line(b, q->lines, symtab_name(b, e), at, 0);
}

/* An address that no unit of the debug information covers. */
static int without_dwarf(struct batch *b, struct query *q)
{
	int error = by_gopclntab(b, q);

	return error || q->n ? error : by_symtab(b, q, &nowhere);
}

/* --- a compile unit's addresses ----------------------------------------------------------- */

/* What was read of a unit for its addresses. */
struct reading {
	const struct unit *unit; /* where its lines are */
	struct inlines inlines;
	struct lines lines;
};

/* room is for its file's name. */
static struct place place_of(const struct reading *r, struct lines_row row, char room[LIMIT_PATH])
{
	return (struct place){
		.directory = r->unit->comp_dir,
		.file = lines_path(&r->lines, row.file, room, LIMIT_PATH),
		.line = row.line,
	};
}

static uint32_t chain_length(const struct inlines *x, int32_t scope)
{
	uint32_t n = 0;

	for (; scope >= 0; scope = x->scopes[scope].parent)
		n++;
	return n;
}

/* What the scope is called: the function at the address as in the symbol table. NULL: nobody knows;
 * dwz may have moved the name to a file that is not here. */
static const struct name *scope_name(
	struct batch *b, const struct query *q, const struct inlines_scope *scope, const char *name)
{
	const struct symtab_entry *e =
		scope->is_inlined ? NULL : symtab_find(&b->s->symtab, q->vaddr);

	return e ? symtab_name(b, e) : names_function(&b->s->names, name ? name : "", 0);
}

/* From the innermost function outwards: where the code is, then where each was called. Of a chain
 * that is too long the middle is left out: the last line is the function itself. An inlined
 * function without a name is left out too, and the one around it stands for it: with the line that
 * is executed. */
static int by_chain(struct batch *b, struct query *q, const struct reading *r, int32_t scope,
	struct lines_row row)
{
	const struct inlines *x = &r->inlines;
	struct place at;
	char room[LIMIT_PATH];
	uint32_t depth = chain_length(x, scope), start_line;
	int error = 0;

	at = place_of(r, row, room);
	/* No function of the debug information, but maybe a symbol. */
	if (scope < 0)
		return by_symtab(b, q, &at);
	q->lines = calloc(depth < CHAIN_MAX ? depth : CHAIN_MAX, sizeof(*q->lines));
	if (!q->lines)
		return -ENOMEM;
	for (; scope >= 0 && !error; scope = x->scopes[scope].parent, depth--) {
		const struct inlines_scope *s = &x->scopes[scope];
		const char *name = inlines_name(x, s, &start_line);
		if (s->is_inlined && !name)
			continue;
		if (q->n + 1 < CHAIN_MAX || depth == 1)
			error = set_line(
				b, &q->lines[q->n++], scope_name(b, q, s, name), &at, start_line);
		if (s->is_inlined)
			at = place_of(r, (struct lines_row){s->call_file, s->call_line}, room);
	}
	return error;
}

static int answer_unit(
	struct batch *b, struct unit *unit, const uint64_t *vaddrs, struct query *v, uint32_t n)
{
	struct reading r = {.unit = unit};
	struct split split;
	struct unit *code = split_open(&split, &b->s->dwarf, unit);
	int error = code ? inlines_init(&r.inlines, code, vaddrs, n) : -ENOMEM;

	if (!error)
		error = lines_init(&r.lines, unit, vaddrs, n);
	for (uint32_t i = 0; i < n && !error; i++)
		error = by_chain(b, &v[i], &r, r.inlines.innermost[i], r.lines.rows[i]);
	if (code && code->file->is_damaged)
		module_lacks(b->s->current, MODULE_BAD_DWARF);
	lines_fini(&r.lines);
	inlines_fini(&r.inlines);
	split_close(&split);
	dwarf_file_trim(unit->file);
	return error;
}

static int one_unit(struct batch *b, struct query *v, uint32_t n)
{
	uint64_t *vaddrs = malloc(n * sizeof(*vaddrs));

	if (!vaddrs)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		vaddrs[i] = v[i].vaddr;
	int error = answer_unit(b, v->unit, vaddrs, v, n);
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
		if (!b->v[i].unit) {
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

	/* Units are in an array, in the order of their offsets. */
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
		*q = (struct query){.vaddr = NO_VADDR, .asked = i};
		if (!m || module_offset_to_vaddr(m, offsets[i], &q->vaddr) < 0)
			continue;
		const struct cu_range *range =
			b->level == SYMBOLS_FULL && b->s->has_dwarf
				? cu_ranges_find(&b->s->dwarf.ranges, q->vaddr)
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
