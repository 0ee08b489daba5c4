/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/probe/probe_parts.h"
#include "base/allocator_names.h"

/* What the page begins with; the stubs follow. */
struct head {
	uint64_t magic, n, unused[2];
};

_Static_assert(sizeof(struct head) + SLOTS_STUBS * sizeof(struct stub) <= SLOTS_PAGE, "a page");

static uint64_t address_of(const struct slots *s, uint32_t stub)
{
	return s->page + sizeof(struct head) + stub * sizeof(struct stub);
}

static int read_page(struct probe *p, uint64_t at)
{
	struct slots *s = &p->slots;
	struct head head;

	if (probe_read(p, at, &head, sizeof(head)) || head.magic != SLOTS_MAGIC ||
		head.n > SLOTS_STUBS ||
		probe_read(p, at + sizeof(head), s->stubs, head.n * sizeof(*s->stubs)))
		return 0;
	s->page = at;
	s->is_old = 1;
	s->n = head.n;
	return 1;
}

void slots_begin(struct probe *p)
{
	memset(&p->slots, 0, sizeof(p->slots));
	for (uint32_t i = 0; i < p->space.n; i++) {
		const struct place *at = &p->space.v[i];
		if (at->is_anonymous && at->is_code && at->is_readable &&
			at->end - at->start == SLOTS_PAGE && read_page(p, at->start))
			return;
	}
}

int slots_add(struct probe *p, uint64_t function, uint64_t hook)
{
	static const uint8_t jump[8] = {0xff, 0x25, 2};
	struct slots *s = &p->slots;
	uint32_t k = 0;

	if (!s->page) {
		s->page = space_room(&p->space, p->base, p->base + PROBE_SIZE, SLOTS_PAGE);
		if (!s->page || space_take(&p->space, s->page, SLOTS_PAGE) < 0)
			return -1;
	}
	while (k < s->n && s->stubs[k].original != function)
		k++;
	if (k == SLOTS_STUBS)
		return -1;
	if (k == s->n)
		s->n++;
	s->stubs[k] = (struct stub){.target = function, .original = function};
	memcpy(s->stubs[k].jump, jump, sizeof(jump));
	s->hooks[k] = hook;
	return 0;
}

/* The function that a slot will lead to once it is bound: the only one of that name. */
static uint64_t unbound(const struct probe *p, const struct probe_slot_place *of)
{
	const struct probe_plan *plan = p->plan;
	uint64_t address = 0;

	for (uint32_t i = 0; i < plan->n; i++) {
		const struct probe_place *f = &plan->v[i];
		if (f->function != of->function || f->prefix != of->prefix)
			continue;
		if (address && address != f->address)
			return 0;
		address = f->address;
	}
	return address;
}

/* The stub for what such a slot holds; -1: none of them. *before: what it would hold without us. */
static int stub_of(
	const struct probe *p, const struct probe_slot_place *of, uint64_t holds, uint64_t *before)
{
	const struct slots *s = &p->slots;
	uint64_t function = holds;

	*before = holds;
	if (of->before && holds == of->before)
		function = unbound(p, of);
	for (uint32_t k = 0; k < s->n; k++) {
		if (!s->hooks[k])
			continue;
		/* One that was killed has left it. */
		if (s->is_old && holds == address_of(s, k))
			*before = function = s->stubs[k].original;
		if (function == s->stubs[k].original)
			return k;
	}
	return -1;
}

/* Mostly nothing has to be called so, and nobody is held up by reading what there is. */
static int is_used(const struct slots *s)
{
	for (uint32_t k = 0; k < s->n; k++)
		if (s->hooks[k])
			return 1;
	return 0;
}

static void find_all(struct probe *p, const struct probe_slot_place *v, uint32_t n)
{
	struct slots *s = &p->slots;
	uint64_t holds, before;

	s->n_slots = 0;
	for (uint32_t i = 0; i < n && is_used(s) && s->n_slots < SLOTS_MAX; i++) {
		if (probe_read(p, v[i].address, &holds, sizeof(holds)))
			continue;
		int stub = stub_of(p, &v[i], holds, &before);
		if (stub >= 0)
			s->v[s->n_slots++] = (struct slot){v[i].address, before, stub};
	}
}

/* Whether one of those that were found does. */
static int lead_to(const struct slots *s, uint64_t function)
{
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->stubs[s->v[i].stub].original == function)
			return 1;
	return 0;
}

/* What is called by slots alone is not taken over where there are none; which free must be. */
int slots_choose(struct probe *p, struct probe_refused *why)
{
	const struct probe_plan *plan = p->plan;

	find_all(p, plan->slots, plan->n_slots);
	why->by_slots = why->outside = 0;
	why->slots = p->slots.n_slots;
	for (uint32_t i = 0; i < p->n_taken; i++) {
		const struct probe_taken *t = &p->taken[i];
		int is_led_to = t->refusal && lead_to(&p->slots, t->address);
		why->function = t->place;
		why->by_slots += is_led_to;
		why->outside += t->refusal && !is_led_to;
		if (t->refusal && !is_led_to && p->traits[t->hook].size == ALLOCATOR_FREES)
			return probe_refuse(why, PROBE_CAUSE_PATCH, t->refusal);
	}
	return 0;
}

/* All of what is written into the page. */
struct page {
	struct head head;
	struct stub stubs[SLOTS_STUBS];
};

static struct page make_page(const struct slots *s, int is_in)
{
	struct page page = {.head = {.magic = SLOTS_MAGIC, .n = s->n}};

	memcpy(page.stubs, s->stubs, sizeof(page.stubs));
	for (uint32_t k = 0; k < s->n; k++)
		page.stubs[k].target = is_in && s->hooks[k] ? s->hooks[k] : page.stubs[k].original;
	return page;
}

static int map(struct probe *p)
{
	const struct page page = make_page(&p->slots, 1);

	if (p->slots.is_old)
		return probe_write(p, p->slots.page, &page, sizeof(page));
	((struct probe_shared *)p->records.shared)->stubs = p->slots.page;
	return probe_map_code(p, p->slots.page, &page, sizeof(page));
}

void slots_learn(struct probe *p, const struct probe_shared *shared)
{
	uint64_t magic = 0;
	const struct place *at = shared->stubs ? space_find(&p->space, shared->stubs) : NULL;

	if (at && at->start == shared->stubs && at->end - at->start == SLOTS_PAGE &&
		at->is_anonymous && !at->is_code &&
		probe_read(p, at->start, &magic, sizeof(magic)) == 0 &&
		(!magic || magic == SLOTS_MAGIC))
		p->slots.begun = at->start;
}

int slots_unmap_begun(struct probe *p)
{
	struct slots *s = &p->slots;
	int error = s->begun ? probe_call(p, SYS_munmap, s->begun, SLOTS_PAGE, 0, 0, 0) : 0;

	if (!error)
		s->begun = 0;
	return error;
}

int slots_write(struct probe *p)
{
	struct slots *s = &p->slots;
	int error = s->n && s->n_slots ? map(p) : 0;

	for (uint32_t i = 0; i < s->n_slots && !error; i++) {
		uint64_t stub = address_of(s, s->v[i].stub);
		error = probe_write(p, s->v[i].address, &stub, sizeof(stub));
	}
	if (error)
		slots_restore(p);
	return error;
}

void slots_restore(struct probe *p)
{
	struct slots *s = &p->slots;
	uint64_t holds;

	for (uint32_t i = 0; i < s->n_slots; i++)
		if (!probe_read(p, s->v[i].address, &holds, sizeof(holds)) &&
			holds == address_of(s, s->v[i].stub))
			probe_write(p, s->v[i].address, &s->v[i].before, sizeof(holds));
	/* Of the page that is there: it is no other's memory by now. */
	if (s->page && read_page(p, s->page)) {
		const struct page page = make_page(s, 0);
		probe_write(p, s->page, &page, sizeof(page));
	}
}
