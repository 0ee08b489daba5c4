/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/probe/plan.h"
#include "base/allocator_names.h"

_Static_assert(sizeof(struct tracer_probe) +
			       ALLOCATOR_FUNCTIONS_MAX * sizeof(struct allocator_function) +
			       ALLOCATOR_SLOTS_MAX * sizeof(struct allocator_slot) <=
		       LIMIT_MESSAGE,
	"it fits");

static int take_function(
	struct probe_place *out, const struct process *p, const struct allocator_function *f)
{
	const struct maps_line *l = mappings_of(&p->mappings, f->module, f->offset);

	if (!l || f->number >= allocator_n_names || f->prefix >= ALLOCATOR_PREFIXES)
		return -1;
	*out = (struct probe_place){.function = f->number,
		.size = f->size < UINT32_MAX ? f->size : UINT32_MAX,
		.address = l->start + (f->offset - l->offset),
		.low = l->start,
		.high = l->end,
		.prefix = f->prefix,
		.set = f->module * ALLOCATOR_PREFIXES + f->prefix,
		.is_leaf = !!(f->flags & ALLOCATOR_IS_LEAF)};
	return 0;
}

/* A module that is there no more has no slots either. */
static uint32_t take_slot(
	struct probe_slot_place *out, const struct process *p, const struct allocator_slot *s)
{
	const struct maps_line *code = mappings_of(&p->mappings, s->module, s->code);
	const struct maps_line *before =
		s->before ? mappings_of(&p->mappings, s->module, s->before) : NULL;

	if (!code)
		return 0;
	*out = (struct probe_slot_place){
		.address = code->start + (s->code - code->offset) + s->distance,
		.before = before ? before->start + (s->before - before->offset) : 0,
		.function = s->number,
		.prefix = s->prefix};
	return 1;
}

int plan_make(struct probe_plan *plan, const struct process *p, const struct tracer_probe *ask,
	size_t size)
{
	static struct probe_place places[ALLOCATOR_FUNCTIONS_MAX];
	static struct probe_slot_place slots[ALLOCATOR_SLOTS_MAX];
	const struct allocator_function *f = (const void *)(ask + 1);

	if (!ask->mean || !ask->n_functions || ask->n_functions > ALLOCATOR_FUNCTIONS_MAX ||
		ask->n_slots > ALLOCATOR_SLOTS_MAX ||
		size != sizeof(*ask) + ask->n_functions * sizeof(*f) +
				ask->n_slots * sizeof(struct allocator_slot))
		return -1;
	*plan = (struct probe_plan){
		.v = places, .n = ask->n_functions, .slots = slots, .mean = ask->mean};
	for (uint32_t i = 0; i < plan->n; i++)
		if (take_function(&places[i], p, &f[i]) < 0)
			return -1;
	const struct allocator_slot *s = (const void *)(f + ask->n_functions);
	for (uint32_t i = 0; i < ask->n_slots; i++)
		plan->n_slots += take_slot(&slots[plan->n_slots], p, &s[i]);
	return 0;
}
