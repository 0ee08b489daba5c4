/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "base/log.h"
#include "base/path.h"
#include "output/measure.h"
#include "output/text.h"

#define MOST (UINT32_MAX / 4)

#define MAPPING_NAME 264

/* A function by its name, as pprof groups by default. */
struct node {
	const char *name;
	int64_t flat, cum;
	double flat_variance, cum_variance; /* heap, allocs */
	uint32_t seen; /* number of the sample that was counted last: cum counts a sample once */
	int is_shown;
	int inlined, called;
};

/* A call of one shown function by another, in the code or in others that are not shown. */
struct edge {
	uint32_t caller, callee; /* in nodes */
	uint32_t seen;		 /* as above */
	int is_inline;		 /* at every place */
};

struct top {
	const struct profile *p;
	struct node *v;
	uint32_t n, room;
	struct index by_name;
	struct edge *edges;
	uint32_t n_edges, edges_room;
	struct index by_edge;
	char (*mapping_names)[MAPPING_NAME]; /* of code without names */
	struct node **rows;		     /* all that have a value, as they are printed */
	uint32_t n_rows;
	int64_t total;
};

struct wanted {
	const struct top *top;
	const void *what;
};

static int is_node(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !strcmp(w->top->v[position].name, w->what);
}

/* Its position, or -ENOMEM. */
static long node_of(struct top *t, const char *name)
{
	struct wanted wanted = {t, name};
	uint64_t hash = hash_bytes(name, strlen(name));
	long found = index_find(&t->by_name, hash, is_node, &wanted);

	if (found >= 0)
		return found;
	if (list_room(&t->v, t->n, 1, &t->room, sizeof(*t->v), MOST) < 0 ||
		index_add(&t->by_name, hash, t->n) < 0)
		return -ENOMEM;
	t->v[t->n] = (struct node){.name = name};
	return t->n++;
}

/* pprof's: "[app]", "[[vdso]]", "[anon]". */
static int name_mappings(struct top *t)
{
	const struct profile *p = t->p;

	t->mapping_names = calloc(p->n_mappings + 1, sizeof(*t->mapping_names));
	for (uint32_t i = 0; i < p->n_mappings && t->mapping_names; i++) {
		const char *path = strings_text(p->strings, p->mappings[i].file);
		snprintf(t->mapping_names[i], MAPPING_NAME, *path ? "[%.255s]" : "<unknown>",
			path_base(path));
	}
	return t->mapping_names ? 0 : -ENOMEM;
}

/* A location has at least one line: a nameless one is called like its mapping. */
static uint32_t lines_of(const struct profile_location *l)
{
	return l->n_lines ? l->n_lines : 1;
}

static long line_node(struct top *t, const struct profile_location *l, uint32_t line)
{
	const struct profile *p = t->p;

	if (!l->n_lines)
		return node_of(t, l->mapping ? t->mapping_names[l->mapping - 1] : "<unknown>");
	uint32_t function = p->lines[l->first_line + line].function;
	return node_of(t, strings_text(p->strings, p->functions[function - 1].name));
}

static const struct profile_location *location_of(
	const struct profile *p, const struct profile_sample *s, uint32_t depth)
{
	return &p->locations[p->sample_locations[s->first_location + depth] - 1];
}

static int is_estimated(const struct profile *p)
{
	return !!(KIND(p->kind) & KINDS_OF_HEAP);
}

static double variance_of(const struct profile *p, const struct profile_sample *s)
{
	return s->variance[p->main_type > 1];
}

static void add_value(struct node *n, int is_leaf, uint32_t number, int64_t value, double variance)
{
	if (is_leaf) {
		n->flat += value;
		n->flat_variance += variance;
	}
	if (n->seen == number)
		return;
	n->seen = number;
	n->cum += value;
	n->cum_variance += variance;
}

static int count_sample(struct top *t, uint32_t number)
{
	const struct profile *p = t->p;
	const struct profile_sample *s = &p->samples[number];
	int64_t value = s->values[p->main_type];

	t->total += value;
	for (uint32_t i = 0; i < s->n_locations; i++) {
		const struct profile_location *l = location_of(p, s, i);
		for (uint32_t k = 0; k < lines_of(l); k++) {
			long at = line_node(t, l, k);
			if (at < 0)
				return at;
			add_value(&t->v[at], !i && !k, number + 1, value, variance_of(p, s));
		}
	}
	return 0;
}

/* --- inlined or called --------------------------------------------------------------------- */

static int is_edge(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct edge *a = &w->top->edges[position], *b = w->what;

	return a->caller == b->caller && a->callee == b->callee;
}

/* pprof's rule: an edge is inline if it is so in all samples; in one, its first place counts. */
static int add_edge(struct top *t, const struct edge *edge)
{
	struct wanted wanted = {t, edge};
	uint64_t hash = hash_pair(edge->caller, edge->callee);
	long found = index_find(&t->by_edge, hash, is_edge, &wanted);

	if (found >= 0) {
		struct edge *known = &t->edges[found];
		if (known->seen != edge->seen)
			known->is_inline &= edge->is_inline;
		known->seen = edge->seen;
		return 0;
	}
	if (list_room(&t->edges, t->n_edges, 1, &t->edges_room, sizeof(*edge), MOST) < 0 ||
		index_add(&t->by_edge, hash, t->n_edges) < 0)
		return -ENOMEM;
	t->edges[t->n_edges++] = *edge;
	return 0;
}

/* From the root to the leaf. */
static int add_edges(struct top *t, uint32_t number)
{
	const struct profile_sample *s = &t->p->samples[number];
	long caller = -1;
	int error = 0;

	for (uint32_t i = s->n_locations; i-- > 0 && s->values[t->p->main_type];) {
		const struct profile_location *l = location_of(t->p, s, i);
		for (uint32_t k = lines_of(l); k-- > 0 && !error;) {
			long at = line_node(t, l, k);
			if (at < 0 || !t->v[at].is_shown)
				continue;
			struct edge edge = {caller, at, number + 1, k + 1 < l->n_lines};
			if (caller >= 0 && caller != at)
				error = add_edge(t, &edge);
			caller = at;
		}
	}
	return error;
}

static int mark_inlined(struct top *t, uint32_t rows)
{
	int error = 0;

	for (uint32_t i = 0; i < rows; i++)
		t->rows[i]->is_shown = 1;
	for (uint32_t i = 0; i < t->p->n_samples && !error; i++)
		error = add_edges(t, i);
	for (uint32_t i = 0; i < t->n_edges; i++) {
		struct node *callee = &t->v[t->edges[i].callee];
		callee->inlined |= t->edges[i].is_inline;
		callee->called |= !t->edges[i].is_inline;
	}
	return error;
}

static int by_flat(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;

	if (x->flat != y->flat)
		return x->flat > y->flat ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int sort_rows(struct top *t)
{
	t->rows = calloc(t->n + 1, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->v[i].cum)
			t->rows[t->n_rows++] = &t->v[i];
	qsort(t->rows, t->n_rows, sizeof(*t->rows), by_flat);
	return 0;
}

/* --- printing ----------------------------------------------------------------------------- */

static enum measure_of measured(const struct top *t)
{
	const char *unit = strings_text(t->p->strings, t->p->types[t->p->main_type].unit);

	if (!strcmp(unit, "bytes"))
		return MEASURE_BYTES;
	return strcmp(unit, "nanoseconds") ? MEASURE_COUNT : MEASURE_TIME;
}

static int is_time(const struct top *t)
{
	return measured(t) == MEASURE_TIME;
}

static void put_header(const struct top *t, struct measure in, struct buf *out)
{
	const struct profile *p = t->p;
	char shown[512], when[80], value[32], total[32], percent[32];
	time_t seconds = p->time / 1000000000;
	struct tm tm;

	if (p->n_mappings) {
		const char *path = strings_text(p->strings, p->mappings[0].file);
		log_escape(shown, sizeof(shown), path_base(path));
		buf_printf(out, "File: %s\n", shown);
		const char *id = strings_text(p->strings, p->mappings[0].build_id);
		if (*id)
			buf_printf(out, "Build ID: %s\n", id);
	}
	buf_printf(out, "Type: %s\n", strings_text(p->strings, p->types[p->main_type].type));
	if (localtime_r(&seconds, &tm) &&
		strftime(when, sizeof(when), "%b %-d, %Y at %-I:%M%P (%Z)", &tm))
		buf_printf(out, "Time: %s\n", when);
	if (!p->duration)
		return;
	buf_printf(out, "Duration: %s, Total samples = %s ",
		measure_value(
			value, sizeof(value), p->duration, measure_of(p->duration, MEASURE_TIME)),
		measure_value(total, sizeof(total), t->total, in));
	if (is_time(t))
		buf_printf(out, "(%s)",
			measure_percent(percent, sizeof(percent), t->total, p->duration));
	buf_string(out, "\n");
}

static const char *inline_label(const struct node *n)
{
	if (!n->inlined)
		return "";
	return n->called ? " (partial-inline)" : " (inline)";
}

/* The standard error of flat, or where there is none of cum. */
static void put_error(const struct node *n, char *out, size_t room)
{
	double of = n->flat ? n->flat : n->cum;
	double error = sqrt(n->flat ? n->flat_variance : n->cum_variance);

	snprintf(out, room, " %6.1f%%", of ? 100 * error / of : 0);
}

static void put_row(
	const struct top *t, const struct node *n, int64_t sum, struct measure in, struct buf *out)
{
	char name[LIMIT_NAME + 64], flat[32], cum[32], flat_share[32], sum_share[32], cum_share[32];
	char error[32] = "";

	if (is_estimated(t->p))
		put_error(n, error, sizeof(error));
	buf_printf(out, "%10s %s %s %10s %s%s  %s%s\n",
		measure_value(flat, sizeof(flat), n->flat, in),
		measure_percent(flat_share, sizeof(flat_share), n->flat, t->total),
		measure_percent(sum_share, sizeof(sum_share), sum, t->total),
		measure_value(cum, sizeof(cum), n->cum, in),
		measure_percent(cum_share, sizeof(cum_share), n->cum, t->total), error,
		log_escape(name, sizeof(name), n->name), inline_label(n));
}

static struct measure table_measure(const struct top *t, uint32_t rows)
{
	int64_t smallest = 0;

	for (uint32_t i = 0; i < rows; i++) {
		int64_t value = t->rows[i]->flat ? t->rows[i]->flat : t->rows[i]->cum;
		if (value > 0 && (!smallest || value < smallest))
			smallest = value;
	}
	return measure_for_table(smallest ? smallest : t->total, t->total, measured(t));
}

static void put_table(const struct top *t, uint32_t rows, struct measure in, struct buf *out)
{
	char shown[32], total[32], percent[32];
	int64_t sum = 0;

	for (uint32_t i = 0; i < rows; i++)
		sum += t->rows[i]->flat;
	const char *share = measure_percent(percent, sizeof(percent), sum, t->total);
	buf_printf(out, "Showing nodes accounting for %s, %s of %s total\n",
		measure_value(shown, sizeof(shown), sum, in), share + strspn(share, " "),
		measure_value(total, sizeof(total), t->total, in));
	if (rows < t->n_rows)
		buf_printf(out, "Showing top %u nodes out of %u\n", rows, t->n_rows);
	buf_printf(out, "%10s %5s%% %5s%% %10s %5s%%%s\n", "flat", "flat", "sum", "cum", "cum",
		is_estimated(t->p) ? "     +-%" : "");
	sum = 0;
	for (uint32_t i = 0; i < rows; i++) {
		sum += t->rows[i]->flat;
		put_row(t, t->rows[i], sum, in, out);
	}
}

static void top_fini(struct top *t)
{
	index_fini(&t->by_name);
	index_fini(&t->by_edge);
	free(t->v);
	free(t->edges);
	free(t->mapping_names);
	free(t->rows);
}

int text_top(const struct profile *p, uint32_t lines, struct buf *out)
{
	struct top t = {.p = p};
	uint32_t rows = 0;
	int error = name_mappings(&t);

	for (uint32_t i = 0; i < p->n_samples && !error; i++)
		error = count_sample(&t, i);
	if (!error)
		error = sort_rows(&t);
	if (!error) {
		rows = lines < t.n_rows ? lines : t.n_rows;
		error = mark_inlined(&t, rows);
	}
	if (!error) {
		struct measure in = table_measure(&t, rows);
		put_header(&t, in, out);
		put_table(&t, rows, in, out);
		error = out->failed;
	}
	top_fini(&t);
	return error;
}
