/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "output/estimate.h"
#include "output/heap.h"

void heap_values(const struct profile_heap *heap, uint64_t position, struct profile_sample *s)
{
	memset(s->values, 0, sizeof(s->values));
	if (!heap || !position || position > heap->n)
		return;
	const struct heap_site *site = &heap->sites[position - 1];
	s->values[0] = llrint(site->all.objects);
	s->values[1] = llrint(site->all.bytes);
	s->values[2] = llrint(site->live.objects);
	s->values[3] = llrint(site->live.bytes);
	s->variance[0] = site->all.variance;
	s->variance[1] = site->live.variance;
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
