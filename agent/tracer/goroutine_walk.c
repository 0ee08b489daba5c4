/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/tracer/goroutine_walk.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/snapshot.h"

#define STACK_MAX (1 * GIB) /* Go gives no more (runtime.maxstacksize) */

int goroutine_read_parts(struct goroutine_walk *w, const struct memory_part *v, size_t n)
{
	if (ring_begin_read(w->c->ring, w->tid))
		return -EFAULT;
	int error = memory_read_parts(w->tid, v, n);
	ring_end_read(w->c->ring);
	return error;
}

int goroutine_read(struct goroutine_walk *w, uint64_t address, void *out, size_t size)
{
	const struct memory_part part = {address, out, size};

	return goroutine_read_parts(w, &part, 1);
}

/* --- what is to be read ------------------------------------------------------------------- */

static size_t size_of(const struct go_layout *l)
{
	const uint16_t members[] = {l->m, l->sp, l->pc, l->bp, l->syscall_sp, l->syscall_pc,
		l->status, l->id, l->reason, l->turns};
	size_t most = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		most = members[i] > most ? members[i] : most;
	return most + sizeof(uint64_t);
}

enum go_lack goroutine_find_program(struct goroutine_walk *w)
{
	const struct mappings *m = &w->process->mappings;
	enum go_lack lack = GO_LACK_UNKNOWN;

	for (size_t i = 0; i < m->list.n; i++) {
		const struct maps_line *l = &m->list.v[i];
		uint32_t number = known_modules_find(m->known, l, m->process);
		const struct tracer_go *go = number ? m->known->v[number - 1].go : NULL;
		if (!go)
			continue;
		lack = go->lack;
		w->facts = &go->facts;
		uint64_t at = go->facts.code_offset - l->offset;
		if (lack || go->facts.code_offset < l->offset || at >= l->end - l->start)
			continue;
		w->bias = l->start + at - go->facts.code_address;
		w->size = size_of(&go->facts.layout);
		if (w->size > GO_STRUCT_MAX)
			return GO_LACK_SENSE;
		/* From now on threads are asked for theirs, too. */
		atomic_store_explicit(&w->c->ring->page->curg[w->process->number % RING_WANTS],
			go->facts.layout.m_current, memory_order_relaxed);
		return GO_LACK_NOTHING;
	}
	return lack == GO_LACK_NOTHING ? GO_LACK_UNKNOWN : lack;
}

/* --- one goroutine ------------------------------------------------------------------------ */

static uint64_t word(const unsigned char *g, uint16_t at)
{
	uint64_t out;

	memcpy(&out, g + at, sizeof(out));
	return out;
}

void goroutine_see(const struct go_layout *l, const unsigned char *g, struct goroutine_view *v)
{
	memset(v, 0, sizeof(*v));
	v->low = word(g, 0);
	v->high = word(g, 8);
	v->m = word(g, l->m);
	v->id = word(g, l->id);
	v->status = (uint32_t)word(g, l->status) & ~(uint32_t)G_SCAN;
	v->reason = g[l->reason];
	v->turns = g[l->turns];
	if (v->status == G_SYSCALL) {
		v->sp = word(g, l->syscall_sp);
		v->pc = word(g, l->syscall_pc);
	} else if (v->status != G_RUNNING) {
		v->sp = word(g, l->sp);
		v->pc = word(g, l->pc);
		v->bp = word(g, l->bp);
	}
}

int goroutine_is_one(const struct goroutine_view *v)
{
	return (v->status >= G_RUNNABLE && v->status <= G_WAITING) ||
	       (v->status >= G_COPYSTACK && v->status <= G_LEAKED);
}

int goroutine_makes_sense(const struct goroutine_view *v)
{
	if (!goroutine_is_one(v))
		return v->status < G_STATUSES;
	return v->id && v->id <= INT64_MAX && v->high % 8 == 0 && v->low < v->high &&
	       v->high - v->low <= STACK_MAX;
}

int goroutine_has_stack(const struct goroutine_view *v)
{
	return goroutine_makes_sense(v) && v->sp % 8 == 0 && v->sp >= v->low && v->sp < v->high;
}

int goroutine_state(const struct go_facts *f, const struct goroutine_view *v)
{
	switch (v->status) {
	case G_RUNNABLE:
		return GO_RUNNABLE;
	case G_RUNNING:
	case G_COPYSTACK:
		return GO_RUNNING;
	case G_SYSCALL:
		return GO_SYSCALL;
	case G_PREEMPTED:
		return GO_PREEMPTED;
	default:
		break;
	}
	uint8_t reason = v->reason < GO_REASONS ? f->states[v->reason] : 0;
	return reason ? GO_WAITS + reason : GO_STATE_UNKNOWN;
}

/* Each call does not count as a turn (since Go 1.26): a goroutine that is in the next one by now
 * has another stack, or the same. */
static int is_same_stack(
	struct goroutine_walk *w, const struct goroutine_view *v, struct capture *cap)
{
	unsigned char *again = cap->stack + cap->stack_len;

	if (v->status != G_SYSCALL)
		return 1;
	/* Where the ring is nearly full there may be room for one. */
	if (w->c->room < 2 * cap->stack_len)
		return 0;
	return goroutine_read(w, v->sp, again, cap->stack_len) == 0 &&
	       !memcmp(cap->stack, again, cap->stack_len);
}

static void say_what_it_is(struct capture *cap, const struct capture_more *as)
{
	cap->kinds = as->kinds;
	cap->weight = as->weight;
	cap->contentions = as->contentions;
	cap->again = as->again;
	cap->wait = as->wait;
}

int goroutine_capture(struct goroutine_walk *w, uint64_t g, const struct goroutine_view *v)
{
	uint64_t whole = v->high - v->sp, most = LIMIT_STACK_MAX;
	size_t want = whole < most ? whole : most;
	struct capture *cap =
		capture_goroutine(w->c, w->thread, v->id, goroutine_state(w->facts, v), want);
	struct goroutine_view after;

	if (!cap)
		return 1;
	const struct memory_part parts[] = {
		{v->sp, cap->stack, want},
		{g, w->g[0], w->size},
	};
	cap->stack_base = v->sp;
	cap->stack_len = want;
	if (goroutine_read_parts(w, parts, 2) < 0)
		return 0;
	goroutine_see(&w->facts->layout, w->g[0], &after);
	if (memcmp(&after, v, sizeof(after)) != 0 || !is_same_stack(w, v, cap))
		return 0;
	cap->flags = CAPTURE_PARKED | (want < whole ? CAPTURE_TAIL_CUT : 0);
	cap->regs = (struct regs){.known = DWREG_BIT(DWREG_RSP) | DWREG_BIT(DWREG_PC)};
	cap->regs.r[DWREG_RSP] = v->sp;
	cap->regs.r[DWREG_PC] = v->pc;
	if (w->as)
		say_what_it_is(cap, w->as);
	if (v->bp) {
		cap->regs.known |= DWREG_BIT(DWREG_RBP);
		cap->regs.r[DWREG_RBP] = v->bp;
	}
	capture_push(w->c, cap);
	return 1;
}
