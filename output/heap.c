/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "output/estimate.h"
#include "output/heap.h"

int heap_values(const struct profile_heap *heap, uint64_t position, struct profile_sample *s)
{
	memset(s->values, 0, sizeof(s->values));
	if (!heap || !position || position > heap->n)
		return 0;
	const struct heap_site *site = &heap->sites[position - 1];
	int64_t *to = s->values;
	if (heap->part != HEAP_IN_USE) {
		*to++ = llrint(site->all.objects);
		*to++ = llrint(site->all.bytes);
	}
	if (heap->part != HEAP_ALLOCATED) {
		*to++ = llrint(site->live.objects);
		*to++ = llrint(site->live.bytes);
	}
	s->variance[0] = site->all.variance;
	s->variance[1] = site->live.variance;
	for (const int64_t *v = s->values; v < to; v++)
		if (*v)
			return 1;
	return 0;
}

/* Those of both heap profiles are the same: another one is shown. */
void heap_types(struct builder *b)
{
	static const char *const names[PROFILE_VALUES] = {
		"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"};
	struct profile *p = b->p;
	enum heap_part part = b->in->heap ? b->in->heap->part : HEAP_ALL;
	uint32_t first = part == HEAP_IN_USE ? 2 : 0, end = part == HEAP_ALLOCATED ? 2 : 4;

	p->n_types = 0;
	for (uint32_t i = first; i < end; i++)
		p->types[p->n_types++] = (struct profile_type){
			builder_string(b, names[i]), builder_string(b, i % 2 ? "bytes" : "count")};
	p->period = b->in->heap ? b->in->heap->mean : 1;
	p->period_type = (struct profile_type){builder_string(b, "space"), p->types[1].unit};
	p->main_type = p->n_types == 2 || p->kind == PROFILE_ALLOCS ? 1 : 3;
	p->default_type = p->types[p->main_type].type;
}
