/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/dump_tally.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(
		((const struct dump_tally_row *)a)->text, ((const struct dump_tally_row *)b)->text);
}

static int by_count(const void *a, const void *b)
{
	const struct dump_tally_row *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void merge(struct dump_tally *t)
{
	uint32_t kept = 0;

	qsort(t->v, t->n, sizeof(*t->v), by_text);
	for (uint32_t i = 0; i < t->n; i++) {
		if (kept && !strcmp(t->v[kept - 1].text, t->v[i].text)) {
			t->v[kept - 1].n++;
			free(t->v[i].text);
		} else {
			t->v[kept++] = t->v[i];
		}
	}
	t->n = kept;
	qsort(t->v, t->n, sizeof(*t->v), by_count);
}

void dump_tally_fini(struct dump_tally *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		free(t->v[i].text);
	free(t->v);
}

int dump_tally_group(
	struct dump_tally *t, const struct dump *d, const struct dump_group *g, dump_tally_put *put)
{
	struct buf one;
	int error = 0;

	*t = (struct dump_tally){.v = calloc(g->n_members, sizeof(*t->v))};
	if (!t->v)
		return -ENOMEM;
	buf_init(&one, 64 * KIB);
	for (uint32_t i = 0; i < g->n_members && !error; i++) {
		buf_clear(&one);
		put(&one, d, &d->threads[d->members[g->first_member + i]]);
		const char *text = buf_text(&one);
		char *copy = text ? strdup(text) : NULL;
		if (copy)
			t->v[t->n++] = (struct dump_tally_row){copy, 1};
		else
			error = one.failed ? one.failed : -ENOMEM;
	}
	buf_fini(&one);
	merge(t);
	return error;
}
