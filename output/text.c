/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "base/log.h"
#include "output/measure.h"
#include "output/text.h"

#define MOST (UINT32_MAX / 4)

/* A function by its name, as pprof groups by default. */
struct node {
	const char *name;
	int64_t flat, cum;
	uint32_t seen; /* number of the sample that was counted last: cum counts a sample once */
	int inlined, called;
};

struct top {
	const struct profile *p;
	struct node *v;
	uint32_t n, room;
	struct index by_name;
	int64_t total;
};

struct wanted {
	const struct top *top;
	const char *name;
};

static int is_node(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !strcmp(w->top->v[position].name, w->name);
}

static struct node *node_of(struct top *t, const char *name)
{
	struct wanted wanted = {t, name};
	uint64_t hash = hash_bytes(name, strlen(name));
	long found = index_find(&t->by_name, hash, is_node, &wanted);

	if (found >= 0)
		return &t->v[found];
	if (list_room(&t->v, t->n, 1, &t->room, sizeof(*t->v), MOST) < 0 ||
		index_add(&t->by_name, hash, t->n) < 0)
		return NULL;
	t->v[t->n] = (struct node){.name = name};
	return &t->v[t->n++];
}

/* What a location without a function is called: its mapping. */
static const char *mapping_name(const struct top *t, const struct profile_location *l)
{
	if (!l->mapping)
		return "[unknown]";
	const char *path = strings_text(t->p->strings, t->p->mappings[l->mapping - 1].file);
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static int count(struct top *t, const char *name, int64_t value, uint32_t sample, int is_leaf,
	int is_inlined, int is_called)
{
	struct node *n = node_of(t, name);

	if (!n)
		return -ENOMEM;
	if (is_leaf)
		n->flat += value;
	if (n->seen != sample)
		n->cum += value;
	n->seen = sample;
	n->inlined |= is_inlined;
	n->called |= is_called;
	return 0;
}

static int count_sample(struct top *t, uint32_t number)
{
	const struct profile *p = t->p;
	const struct profile_sample *s = &p->samples[number];
	int64_t value = s->values[p->n_types - 1];
	int error = 0;

	t->total += value;
	for (uint32_t i = 0; i < s->n_locations && !error; i++) {
		const struct profile_location *l =
			&p->locations[p->sample_locations[s->first_location + i] - 1];
		int has_caller = i + 1 < s->n_locations;
		if (!l->n_lines)
			error = count(t, mapping_name(t, l), value, number + 1, !i, 0, has_caller);
		for (uint32_t k = 0; k < l->n_lines && !error; k++) {
			const struct profile_line *line = &p->lines[l->first_line + k];
			int is_last = k + 1 == l->n_lines;
			error = count(t,
				strings_text(p->strings, p->functions[line->function - 1].name),
				value, number + 1, !i && !k, !is_last, is_last && has_caller);
		}
	}
	return error;
}

static int by_flat(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->flat != y->flat)
		return x->flat > y->flat ? -1 : 1;
	if (x->cum != y->cum)
		return x->cum > y->cum ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* --- printing ----------------------------------------------------------------------------- */

static int is_time(const struct top *t)
{
	return !strcmp(
		strings_text(t->p->strings, t->p->types[t->p->n_types - 1].unit), "nanoseconds");
}

static void put_header(const struct top *t, struct buf *out)
{
	const struct profile *p = t->p;
	char shown[512], when[80], value[32], total[32], percent[32];
	time_t seconds = p->time / 1000000000;
	struct tm tm;

	if (p->n_mappings) {
		const char *path = strings_text(p->strings, p->mappings[0].file);
		const char *slash = strrchr(path, '/');
		log_escape(shown, sizeof(shown), slash ? slash + 1 : path);
		buf_printf(out, "File: %s\n", shown);
		const char *id = strings_text(p->strings, p->mappings[0].build_id);
		if (*id)
			buf_printf(out, "Build ID: %s\n", id);
	}
	buf_printf(out, "Type: %s\n", strings_text(p->strings, p->types[p->n_types - 1].type));
	if (localtime_r(&seconds, &tm) &&
		strftime(when, sizeof(when), "%b %-d, %Y at %-I:%M%P (%Z)", &tm))
		buf_printf(out, "Time: %s\n", when);
	if (p->duration)
		buf_printf(out, "Duration: %s, Total samples = %s (%s)\n",
			measure_value(
				value, sizeof(value), p->duration, measure_of(p->duration, 1)),
			measure_value(
				total, sizeof(total), t->total, measure_of(t->total, is_time(t))),
			measure_percent(percent, sizeof(percent), t->total, p->duration));
}

static const char *inline_label(const struct node *n)
{
	if (!n->inlined)
		return "";
	return n->called ? " (partial-inline)" : " (inline)";
}

static void put_row(
	const struct top *t, const struct node *n, int64_t sum, struct measure in, struct buf *out)
{
	char name[LIMIT_NAME + 64], flat[32], cum[32], flat_share[32], sum_share[32], cum_share[32];

	buf_printf(out, "%10s %s %s %10s %s  %s%s\n",
		measure_value(flat, sizeof(flat), n->flat, in),
		measure_percent(flat_share, sizeof(flat_share), n->flat, t->total),
		measure_percent(sum_share, sizeof(sum_share), sum, t->total),
		measure_value(cum, sizeof(cum), n->cum, in),
		measure_percent(cum_share, sizeof(cum_share), n->cum, t->total),
		log_escape(name, sizeof(name), n->name), inline_label(n));
}

static struct measure table_measure(const struct top *t, uint32_t rows)
{
	int64_t smallest = 0;

	for (uint32_t i = 0; i < rows; i++) {
		int64_t value = t->v[i].flat ? t->v[i].flat : t->v[i].cum;
		if (value > 0 && (!smallest || value < smallest))
			smallest = value;
	}
	return measure_for_table(smallest ? smallest : t->total, t->total, is_time(t));
}

static void put_table(const struct top *t, uint32_t rows, struct buf *out)
{
	struct measure in = table_measure(t, rows);
	char shown[32], total[32], percent[32];
	int64_t sum = 0;

	for (uint32_t i = 0; i < rows; i++)
		sum += t->v[i].flat;
	const char *share = measure_percent(percent, sizeof(percent), sum, t->total);
	buf_printf(out, "Showing nodes accounting for %s, %s of %s total\n",
		measure_value(shown, sizeof(shown), sum, in), share + strspn(share, " "),
		measure_value(total, sizeof(total), t->total, in));
	if (rows < t->n)
		buf_printf(out, "Showing top %u nodes out of %u\n", rows, t->n);
	buf_printf(out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum", "cum", "cum");
	sum = 0;
	for (uint32_t i = 0; i < rows; i++) {
		sum += t->v[i].flat;
		put_row(t, &t->v[i], sum, in, out);
	}
}

int text_top(const struct profile *p, uint32_t lines, struct buf *out)
{
	struct top t = {.p = p};
	int error = 0;

	for (uint32_t i = 0; i < p->n_samples && !error; i++)
		error = count_sample(&t, i);
	if (!error) {
		if (t.n)
			qsort(t.v, t.n, sizeof(*t.v), by_flat);
		put_header(&t, out);
		put_table(&t, lines < t.n ? lines : t.n, out);
		error = out->failed;
	}
	index_fini(&t.by_name);
	free(t.v);
	return error;
}
