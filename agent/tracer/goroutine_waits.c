/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "agent/tracer/goroutine_waits.h"
#include "agent/tracer/goroutine_walk.h"
#include "base/go_reasons.h"
#include "base/hash.h"

#define LOOKS 32u /* goroutines that are looked at in a tick */

/* Go's slice. */
struct list {
	uint64_t at, n, room;
};

static int read_list(struct goroutine_walk *w, struct list *out)
{
	return goroutine_read(w, w->facts->list + w->bias, out, sizeof(*out)) == 0 && out->n &&
	       out->n <= out->room && out->at % 8 == 0;
}

/* Addresses of all, or of some that are chosen by chance. How many; 0 where the list moved. */
static uint32_t choose(
	struct goroutine_walk *w, const struct list *list, struct clock *clock, uint64_t *out)
{
	struct memory_part parts[LOOKS];
	uint32_t n = list->n < LOOKS ? list->n : LOOKS;
	struct list after;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = list->n <= LOOKS ? i : clock_random(clock, list->n);
		parts[i] = (struct memory_part){list->at + 8 * at, &out[i], sizeof(*out)};
	}
	if (goroutine_read_parts(w, parts, n) < 0 || !read_list(w, &after) || after.at != list->at)
		return 0;
	return n;
}

static uint32_t read_structs(struct goroutine_walk *w, const uint64_t *g, uint32_t n)
{
	struct memory_part parts[LOOKS];

	for (uint32_t i = 0; i < n; i++)
		parts[i] = (struct memory_part){g[i], w->g[i], w->size};
	return goroutine_read_parts(w, parts, n) < 0 ? 0 : n;
}

void goroutine_waits_count_again(struct goroutine_waits *seen, int as_such)
{
	if (as_such)
		seen->round++;
	else
		*seen = (struct goroutine_waits){0};
}

/* Whether that wait is met for the first time, or for the first time in this round. */
static void count_wait(struct goroutine_waits *seen, const struct process *p,
	const struct goroutine_view *v, struct capture_more *as)
{
	uint32_t at = hash_pair(v->id, p->number) % GOROUTINE_WAITS;

	if (seen->v[at].id == v->id && seen->v[at].process == p->number &&
		seen->v[at].turns == v->turns && seen->v[at].sp == v->sp &&
		seen->v[at].pc == v->pc) {
		as->again = seen->v[at].round != seen->round;
		seen->v[at].round = seen->round;
		return;
	}
	as->contentions = 1;
	seen->v[at].round = seen->round;
	seen->v[at].id = v->id;
	seen->v[at].process = p->number;
	seen->v[at].turns = v->turns;
	seen->v[at].sp = v->sp;
	seen->v[at].pc = v->pc;
}

static void look_at(struct goroutine_walk *w, struct goroutine_waits *seen, uint64_t g,
	const struct goroutine_view *v, uint32_t weight)
{
	int state = goroutine_has_stack(v) ? goroutine_state(w->facts, v) : 0;
	struct capture_more as = {
		.weight = weight,
		.wait = {.call = -1, .flags = WAIT_NO_HOLDER},
	};

	as.wait.kind = state > GO_WAITS ? go_reasons_kind(state - GO_WAITS) : WAIT_IDLE;
	as.kinds = capture_kinds_of(
		w->c->asked & (KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX)), &as.wait);
	if (!as.kinds)
		return;
	count_wait(seen, w->process, v, &as);
	w->as = &as;
	goroutine_capture(w, g, v);
	w->as = NULL;
}

static void tick(struct goroutine_walk *w, struct goroutine_waits *seen, struct clock *clock,
	uint32_t weight)
{
	uint64_t chosen[LOOKS];
	struct goroutine_view views[LOOKS];
	struct list list;
	uint32_t n = read_list(w, &list) ? choose(w, &list, clock, chosen) : 0;

	n = n ? read_structs(w, chosen, n) : 0;
	/* All are seen before the first is captured, which takes the room of a struct. */
	for (uint32_t i = 0; i < n; i++)
		goroutine_see(&w->facts->layout, w->g[i], &views[i]);
	uint64_t each = n ? (uint64_t)weight * list.n / n : 0;
	for (uint32_t i = 0; i < n; i++)
		look_at(w, seen, chosen[i], &views[i], each < UINT16_MAX ? each : UINT16_MAX);
}

/* The same mappings bring the same answer, once it is known what the program is. */
static int is_without(const struct process *p)
{
	return p->without_goroutines == p->mappings.generation;
}

void goroutine_waits_tick(struct goroutine_waits *seen, struct capturer *c, struct process *p,
	struct clock *clock, uint32_t weight)
{
	static struct goroutine_walk w;

	if (!p->threads.n || !p->mappings.generation || is_without(p))
		return;
	w = (struct goroutine_walk){
		.c = c, .process = p, .thread = p->threads.v, .tid = process_live_tid(p)};
	enum go_lack lack = goroutine_find_program(&w);
	if (!lack)
		tick(&w, seen, clock, weight);
	else if (lack != GO_LACK_UNKNOWN)
		p->without_goroutines = p->mappings.generation;
}
