/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/generations.h"
#include "base/list.h"

void generations_fini(struct generations *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		free(g->kept[i].v);
	free(g->kept);
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

static void drop(struct generations *g, uint32_t i)
{
	free(g->kept[i].v);
	memmove(&g->kept[i], &g->kept[i + 1], (--g->n - i) * sizeof(*g->kept));
}

/* The oldest of a process that has enough others; the oldest of all where there are too many. */
static void drop_oldest(struct generations *g, uint32_t process)
{
	uint32_t first = g->n, of_it = 0;

	for (uint32_t i = g->n; i-- > 0;)
		if (g->kept[i].process == process) {
			first = i;
			of_it++;
		}
	if (of_it >= GENERATIONS_KEPT)
		drop(g, first);
	else if (g->n >= LIMIT_GENERATIONS)
		drop(g, 0);
}

static int keep(struct generations *g, const struct maps_part *part)
{
	/* A number that goes back is none of ours. */
	if (g->n && g->kept[g->n - 1].generation >= part->generation)
		return -EPROTO;
	drop_oldest(g, part->process);
	int error = list_room(&g->kept, g->n, 1, &g->room, sizeof(*g->kept), LIMIT_GENERATIONS);
	if (error)
		return error;
	g->building.generation = part->generation;
	g->building.process = part->process;
	g->kept[g->n++] = g->building;
	g->building = (struct maps){0};
	return 1;
}

static void drop_building(struct generations *g)
{
	free(g->building.v);
	g->building = (struct maps){0};
}

void generations_abandon(struct generations *g)
{
	drop_building(g);
	g->failed = 0;
}

int generations_add(struct generations *g, const struct maps_part *part, const struct mapping *v)
{
	int error = g->failed ? 0 : append(&g->building, v, part->n);
	int failed = g->failed || error;

	g->failed = failed && !part->last;
	if (part->last && !failed)
		error = keep(g, part);
	if (error < 0 || (part->last && failed))
		drop_building(g);
	return part->last && failed && !error ? -EPROTO : error;
}

static int by_generation(const void *a, const void *b)
{
	const struct maps *x = a, *y = b;

	return (x->generation > y->generation) - (x->generation < y->generation);
}

const struct maps *generations_find(const struct generations *g, uint32_t generation)
{
	struct maps key = {.generation = generation};

	return g->n ? bsearch(&key, g->kept, g->n, sizeof(key), by_generation) : NULL;
}

const struct maps *generations_newest(const struct generations *g, uint32_t process)
{
	for (uint32_t i = g->n; i-- > 0;)
		if (g->kept[i].process == process)
			return &g->kept[i];
	return NULL;
}

const struct maps *generations_last(const struct generations *g)
{
	return g->n ? &g->kept[g->n - 1] : NULL;
}

void generations_forget(struct generations *g, uint32_t process)
{
	for (uint32_t i = g->n; i-- > 0;)
		if (g->kept[i].process == process)
			drop(g, i);
}
