/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>

#include "output/estimate.h"
#include "output/heap.h"

static int compare_ids(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

static int64_t whole(double value, double *rest)
{
	int64_t n = llrint(value + *rest);

	*rest += value - n;
	return n;
}

void heap_values(const struct profile_heap *heap, uint64_t position, struct heap_rest *rest,
	struct profile_sample *s)
{
	struct estimate e = {0};
	int64_t *values = s->values;

	values[0] = 0;
	if (!heap || !position || position > heap->n)
		return;
	const struct heap_sample *sample = &heap->samples[position - 1];
	estimate_add(&e, sample);
	values[0] = whole(e.objects, &rest->objects);
	values[1] = whole(e.bytes, &rest->bytes);
	s->variance[0] = e.variance;
	if (!heap->n_live ||
		!bsearch(&sample->id, heap->live, heap->n_live, sizeof(sample->id), compare_ids))
		return;
	values[2] = values[0];
	values[3] = values[1];
	s->variance[1] = e.variance;
}

/* Those of both heap profiles are the same: another one is shown. */
void heap_types(struct builder *b)
{
	static const char *const names[PROFILE_VALUES] = {
		"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
	struct profile *p = b->p;

	for (p->n_types = 0; p->n_types < PROFILE_VALUES; p->n_types++)
		p->types[p->n_types] = (struct profile_type){builder_string(b, names[p->n_types]),
			builder_string(b, p->n_types % 2 ? "bytes" : "count")};
	p->period = b->in->heap ? b->in->heap->mean : 1;
	p->period_type = (struct profile_type){builder_string(b, "space"), p->types[1].unit};
	p->main_type = p->kind == PROFILE_ALLOCS ? 1 : 3;
	p->default_type = p->types[p->main_type].type;
}
