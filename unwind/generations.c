/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/generations.h"

void generations_fini(struct generations *g)
{
	for (uint32_t i = 0; i < GENERATIONS_KEPT; i++)
		free(g->kept[i].v);
	free(g->building.v);
	memset(g, 0, sizeof(*g));
}

/* The search for a pc relies on it. */
static int is_sorted(const struct mapping *v, uint32_t n, uint64_t after)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].start < after || v[i].end <= v[i].start)
			return 0;
		after = v[i].end;
	}
	return 1;
}

static int append(struct maps *b, const struct mapping *v, uint32_t n)
{
	if (n > LIMIT_MAPPINGS - b->n)
		return -E2BIG;
	if (!is_sorted(v, n, b->n ? b->v[b->n - 1].end : 0))
		return -EPROTO;
	struct mapping *bigger = realloc(b->v, (b->n + n + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memcpy(bigger + b->n, v, n * sizeof(*v));
	b->v = bigger;
	b->n += n;
	return 0;
}

int generations_add(struct generations *g, const struct maps_part *part, const struct mapping *v)
{
	int error = append(&g->building, v, part->n);

	if (error) {
		free(g->building.v);
		g->building = (struct maps){0};
		return error;
	}
	if (!part->last)
		return 0;
	free(g->kept[0].v);
	memmove(&g->kept[0], &g->kept[1], (GENERATIONS_KEPT - 1) * sizeof(g->kept[0]));
	g->building.generation = part->generation;
	g->kept[GENERATIONS_KEPT - 1] = g->building;
	g->building = (struct maps){0};
	return 1;
}

const struct maps *generations_find(const struct generations *g, uint32_t generation)
{
	for (uint32_t i = GENERATIONS_KEPT; i-- > 0;)
		if (g->kept[i].generation == generation && generation)
			return &g->kept[i];
	return NULL;
}

const struct maps *generations_newest(const struct generations *g)
{
	const struct maps *last = &g->kept[GENERATIONS_KEPT - 1];

	return last->generation ? last : NULL;
}
