/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tracer/goroutine_walk.h"
#include "agent/tracer/goroutines.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/proc_status.h"
#include "agent/tracer/snapshot.h"

#define TRIES	  8u
#define STACK_MAX (1 * GIB) /* Go gives no more (runtime.maxstacksize) */

int goroutine_read_parts(struct walk *w, const struct memory_part *v, size_t n)
{
	if (ring_begin_read(w->c->ring, w->tid))
		return -EFAULT;
	int error = memory_read_parts(w->tid, v, n);
	ring_end_read(w->c->ring);
	return error;
}

int goroutine_read(struct walk *w, uint64_t address, void *out, size_t size)
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

enum go_lack goroutine_find_program(struct walk *w)
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

/* The list moves when it grows, and only its end changes else. */
static enum go_lack read_list(struct walk *w)
{
	struct {
		uint64_t at, n, room;
	} now, after;
	uint64_t place = w->facts->list + w->bias;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (goroutine_read(w, place, &now, sizeof(now)) < 0)
			return GO_LACK_MEMORY;
		if (!now.n || now.n > now.room || now.at % 8 || now.n > UINT32_MAX)
			return GO_LACK_SENSE;
		w->n = now.n < LIMIT_GOROUTINES ? now.n : LIMIT_GOROUTINES;
		free(w->list);
		w->list = malloc(w->n * sizeof(*w->list));
		if (!w->list)
			return GO_LACK_MEMORY;
		const struct memory_part parts[] = {
			{now.at, w->list, w->n * sizeof(*w->list)},
			{place, &after, sizeof(after)},
		};
		if (goroutine_read_parts(w, parts, 2) < 0 || now.at != after.at)
			continue;
		w->c->stats->goroutines_beyond += now.n - w->n;
		return GO_LACK_NOTHING;
	}
	return GO_LACK_MEMORY;
}

/* --- one goroutine ------------------------------------------------------------------------ */

static uint64_t word(const unsigned char *g, uint16_t at)
{
	uint64_t out;

	memcpy(&out, g + at, sizeof(out));
	return out;
}

void goroutine_see(const struct go_layout *l, const unsigned char *g, struct view *v)
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

static int is_goroutine(const struct view *v)
{
	return (v->status >= G_RUNNABLE && v->status <= G_WAITING) ||
	       (v->status >= G_COPYSTACK && v->status <= G_LEAKED);
}

static int makes_sense(const struct view *v)
{
	if (!is_goroutine(v))
		return v->status < G_STATUSES;
	return v->id && v->id <= INT64_MAX && v->high % 8 == 0 && v->low < v->high &&
	       v->high - v->low <= STACK_MAX;
}

int goroutine_has_stack(const struct view *v)
{
	return makes_sense(v) && v->sp % 8 == 0 && v->sp >= v->low && v->sp < v->high;
}

int goroutine_state(const struct go_facts *f, const struct view *v)
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
static int is_same_stack(struct walk *w, const struct view *v, struct capture *cap)
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

int goroutine_capture(struct walk *w, uint64_t g, const struct view *v)
{
	uint64_t whole = v->high - v->sp, most = LIMIT_STACK_MAX;
	size_t want = whole < most ? whole : most;
	struct capture *cap =
		capture_goroutine(w->c, w->thread, v->id, goroutine_state(w->facts, v), want);
	struct view after;

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

/* Its number in its own namespace is all that the runtime knows of a thread. */
static int is_numbered(const struct process *p, const struct thread *th, int64_t number)
{
	struct proc_status status;

	return proc_status_take(target_open_file(&p->target, th->tid, "status"), &status) == 0 &&
	       proc_status_last_number(&status, "NSpid") == number;
}

static struct thread *thread_of(const struct process *p, int64_t number)
{
	struct thread *v = p->threads.v;

	/* Mostly it is the same as in ours. */
	for (uint32_t i = 0; i < p->threads.n; i++)
		if (!v[i].ended && v[i].tid == number && is_numbered(p, &v[i], number))
			return &v[i];
	for (uint32_t i = 0; i < p->threads.n; i++)
		if (!v[i].ended && is_numbered(p, &v[i], number))
			return &v[i];
	return NULL;
}

/* The same of one that runs. */
static int capture_running_one(struct walk *w, uint64_t g, const struct view *v, int *result)
{
	const struct go_layout *l = &w->facts->layout;
	int64_t number;
	int state;

	*result = -EAGAIN;
	if (!v->m || goroutine_read(w, v->m + l->m_thread, &number, sizeof(number)) < 0)
		return 0;
	struct thread *th = thread_of(w->process, number);
	if (!th)
		return 0;
	w->c->wanted = (struct wanted_goroutine){v->id, g, v->m + l->m_current};
	*result = snapshot_thread(w->c, th, KIND(PROFILE_GOROUTINE), &state);
	w->c->wanted = (struct wanted_goroutine){.id = 0};
	return *result == 1 || *result == -ENOSPC;
}

static void push_missing(struct walk *w, const struct view *v, int result)
{
	struct capture *cap =
		capture_goroutine(w->c, w->thread, v->id, goroutine_state(w->facts, v), 0);

	if (!cap)
		return;
	cap->flags = CAPTURE_NO_STACK;
	cap->missing = snapshot_reason(result);
	cap->regs = (struct regs){.known = 0};
	capture_push(w->c, cap);
}

static void one_goroutine(struct walk *w, uint64_t g, struct view v)
{
	int result = -EAGAIN;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (tries && goroutine_read(w, g, w->g[0], w->size) < 0)
			return;
		if (tries)
			goroutine_see(&w->facts->layout, w->g[0], &v);
		if (!is_goroutine(&v))
			return;
		capture_wait_for_room(w->c);
		if (v.status == G_RUNNING && capture_running_one(w, g, &v, &result))
			return;
		if (v.status != G_RUNNING && v.status != G_COPYSTACK && goroutine_has_stack(&v) &&
			goroutine_capture(w, g, &v))
			return;
	}
	push_missing(w, &v, result);
}

/* --- all of them -------------------------------------------------------------------------- */

/* Those from that one on, at once where that can be. How many. */
static uint32_t read_batch(struct walk *w, uint32_t from, struct view *views)
{
	struct memory_part parts[GOROUTINE_BATCH];
	uint32_t n = w->n - from < GOROUTINE_BATCH ? w->n - from : GOROUTINE_BATCH;

	for (uint32_t i = 0; i < n; i++)
		parts[i] = (struct memory_part){w->list[from + i], w->g[i], w->size};
	if (goroutine_read_parts(w, parts, n) < 0)
		for (uint32_t i = 0; i < n; i++)
			if (goroutine_read_parts(w, &parts[i], 1) < 0)
				memset(w->g[i], 0, w->size);
	for (uint32_t i = 0; i < n; i++)
		goroutine_see(&w->facts->layout, w->g[i], &views[i]);
	return n;
}

/* Whether the first ones look like goroutines: the layout may be another one than thought. */
static int is_sensible(const struct view *views, uint32_t n)
{
	uint32_t bad = 0, good = 0;

	for (uint32_t i = 0; i < n; i++) {
		bad += !makes_sense(&views[i]);
		good += is_goroutine(&views[i]) && makes_sense(&views[i]);
	}
	return good && bad <= n / 16;
}

static enum go_lack walk_list(struct walk *w)
{
	struct view views[GOROUTINE_BATCH];

	for (uint32_t at = 0; at < w->n; at += GOROUTINE_BATCH) {
		uint32_t n = read_batch(w, at, views);
		if (!at && !is_sensible(views, n))
			return GO_LACK_SENSE;
		for (uint32_t i = 0; i < n; i++)
			one_goroutine(w, w->list[at + i], views[i]);
		atomic_fetch_add(&w->c->ring->page->tracer_beat, 1);
	}
	return GO_LACK_NOTHING;
}

enum go_lack goroutines_snapshot(struct capturer *c, const struct process *p)
{
	struct walk *w = calloc(1, sizeof(*w));
	enum go_lack lack = GO_LACK_MEMORY;

	if (w && p->threads.n) {
		*w = (struct walk){
			.c = c, .process = p, .thread = p->threads.v, .tid = process_live_tid(p)};
		lack = goroutine_find_program(w);
		if (!lack)
			lack = read_list(w);
		if (!lack)
			lack = walk_list(w);
		free(w->list);
	}
	free(w);
	return lack;
}
