/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/creations.h"
#include "agent/tracer/stats.h"
#include "base/list.h"
#include "base/now.h"
#include "base/wire.h"

#define LOOK_NS	  10000000ull
#define MAPS_REST 10u /* reading the mappings takes at most so much of the time: 1/10 */
#define LOOKS_MAX UINT16_MAX

static struct process *process_of_number(const struct creations *c, uint32_t number)
{
	for (uint32_t i = 0; i < c->roster->n; i++)
		if (c->roster->v[i]->number == number)
			return c->roster->v[i];
	return NULL;
}

/* --- creators ----------------------------------------------------------------------------- */

static struct creator *find_creator(struct creations *c, pid_t tid)
{
	for (uint32_t i = c->n; i-- > 0;)
		if (c->creators[i].thread.tid == tid)
			return &c->creators[i];
	return NULL;
}

static void tell(const struct creations *c, const struct creator *who)
{
	if (!who->is_listed)
		wire_send(c->roster->common.sock, TRACER_THREADS, &who->thread, sizeof(who->thread),
			-1);
}

static void end_creator(struct creations *c, pid_t tid)
{
	struct creator *who = find_creator(c, tid);

	if (!who)
		return;
	who->thread.has_ended = 1;
	tell(c, who);
	*who = c->creators[--c->n];
}

/* With the serial of a thread that a listing has found, or a new one. */
static struct creator introduced(struct creations *c, const struct watcher_record *r)
{
	uint32_t number = c->programs[r->process].number;
	const struct process *p = process_of_number(c, number);
	struct creator who = {
		.thread = {.tid = r->tid, .start_time = r->start_time, .process = number}};

	memcpy(who.thread.name, r->name, sizeof(who.thread.name));
	for (uint32_t i = 0; p && i < p->threads.n && !who.is_listed; i++) {
		const struct thread *th = &p->threads.v[i];
		who.is_listed = th->tid == r->tid && th->start_time == r->start_time;
		who.thread.serial = th->serial;
	}
	if (!who.is_listed)
		who.thread.serial = c->roster->common.next_serial++;
	return who;
}

/* An older one of the same id has ended, if there is one. */
static void add_creator(struct creations *c, const struct watcher_record *r)
{
	end_creator(c, r->tid);
	if (list_room(&c->creators, c->n, 1, &c->room, sizeof(*c->creators), LIMIT_THREADS) < 0)
		return;
	c->creators[c->n] = introduced(c, r);
	tell(c, &c->creators[c->n++]);
}

/* One that could not be introduced has an id only. */
static uint32_t creator_of(struct creations *c, const struct watcher_record *r)
{
	const struct creator *known = find_creator(c, r->tid);

	if (!known) {
		add_creator(c, r);
		known = find_creator(c, r->tid);
	}
	return known ? known->thread.serial : 0;
}

/* --- mappings ----------------------------------------------------------------------------- */

/* After the captures that are now in the queue were taken: what they show was mapped already. If
 * the process has replaced its program since, its old mappings are those that we know. */
static void read_maps(struct creations *c, uint32_t index)
{
	struct watched *w = &c->watcher.v[index];
	struct program *mine = &c->programs[index];
	struct process *p = process_of_number(c, mine->number);

	if (!p || w->program != mine->program || !atomic_exchange(&w->creates, 0))
		return;
	if (target_is_alive(&p->target))
		process_read_maps(p);
	/* The new program's mappings are there before the watcher hears of the exec. */
	if (process_runs_another(p))
		return;
	mine->generation = p->mappings.generation;
	w->shown = mine->program;
}

static void take_exec(struct creations *c, const struct watcher_record *r)
{
	struct program *mine = &c->programs[r->process];
	struct process *p = process_of_number(c, mine->number);

	mine->program = r->program;
	mine->generation = 0;
	if (!p || !target_is_alive(&p->target))
		return;
	/* Becoming the command that we start is none of the user's. */
	c->capturer->stats->execs += r->program > 1 || p->target.pid != c->roster->common.launched;
	process_read_again(p, clock_now());
	c->roster->changed = 1;
	if (!process_runs_another(p))
		mine->generation = p->mappings.generation;
}

/* --- captures ----------------------------------------------------------------------------- */

/* Those of a thread that needs more than the others do for all: creators are few. */
static void learn_want(struct creations *c, uint32_t serial)
{
	size_t want = atomic_load_explicit(
		&c->capturer->ring->page->stack_want[serial % RING_WANTS], memory_order_relaxed);

	if (want > LIMIT_STACK_MAX)
		want = LIMIT_STACK_MAX;
	if (want > c->watcher.want)
		c->watcher.want = want;
}

static void push(struct creations *c, const struct capture *cap)
{
	size_t size = sizeof(*cap) + cap->stack_len + cap->other_len;

	c->created += cap->looks;
	c->capturer->stats->taken++;
	c->capturer->stats->captured[PROFILE_THREADCREATE]++;
	capture_wait_for_room(c->capturer);
	void *room = ring_reserve(c->capturer->ring, size);
	if (!room) {
		atomic_fetch_add(&c->capturer->ring->page->dropped, 1);
		return;
	}
	memcpy(room, cap, size);
	ring_commit(c->capturer->ring, size);
}

static void take_creation(struct creations *c, struct watcher_record *r)
{
	struct capture *cap = (struct capture *)(r + 1);
	const struct program *mine = &c->programs[r->process];

	/* There was no room for that record. */
	if (r->program != mine->program)
		take_exec(c, r);
	cap->thread = creator_of(c, r);
	cap->process = mine->number;
	cap->generation = mine->generation;
	cap->interval = c->capturer->interval;
	c->no_room += cap->missing == MISSING_ROOM;
	stats_add_stop(c->capturer->stats, r->held, 0);
	learn_want(c, cap->thread);
	push(c, cap);
}

/* What is not in the queue was created all the same. */
static void push_missing(struct creations *c)
{
	uint64_t n = atomic_exchange(&c->watcher.counts.no_room, 0);
	const struct process *p = process_of_number(c, c->programs[0].number);
	struct watcher_record r = {.what = WATCHER_CREATION, .tid = p ? p->target.pid : 0};

	c->no_room += n;
	while (n) {
		struct capture cap = {
			.kinds = KIND(PROFILE_THREADCREATE),
			.thread = creator_of(c, &r),
			.process = c->programs[0].number,
			.generation = c->programs[0].generation,
			.interval = c->capturer->interval,
			.flags = CAPTURE_NO_STACK,
			.missing = MISSING_ROOM,
			.weight = WEIGHT_ONE,
			.looks = n < LOOKS_MAX ? n : LOOKS_MAX,
			.time = clock_now(),
			.wait = {.call = -1},
		};
		push(c, &cap);
		n -= cap.looks;
	}
}

static void take_record(struct creations *c, struct watcher_record *r)
{
	switch (r->what) {
	case WATCHER_CREATOR:
		add_creator(c, r);
		break;
	case WATCHER_END:
		end_creator(c, r->tid);
		break;
	case WATCHER_EXEC:
		take_exec(c, r);
		break;
	case WATCHER_CREATION:
		take_creation(c, r);
		break;
	}
}

void creations_take(struct creations *c, int now)
{
	static _Alignas(64) unsigned char room[WATCHER_RECORD_MAX];
	struct watcher *w = &c->watcher;
	uint64_t began = clock_now(), wakes;
	int is_asked = read(w->queue.wake, &wakes, sizeof(wakes)) == sizeof(wakes);

	if (!now && !is_asked && began < c->next)
		return;
	uint64_t end = atomic_load(&w->queue.page->head);
	for (uint32_t i = 0; i < w->n; i++)
		read_maps(c, i);
	c->next = clock_now() + LOOK_NS + MAPS_REST * (clock_now() - began);
	while (atomic_load(&w->queue.page->tail) < end &&
		ring_pop(&w->queue, room, sizeof(room)) > 0)
		take_record(c, (struct watcher_record *)room);
	push_missing(c);
	ring_wake(c->capturer->ring);
}

/* --- begin and end ------------------------------------------------------------------------ */

static void beat(struct creations *c)
{
	const struct timespec pause = {0, 100000};

	if (!watcher_is_stuck(&c->watcher))
		atomic_fetch_add(&c->capturer->ring->page->tracer_beat, 1);
	nanosleep(&pause, NULL);
}

int creations_begin(struct creations *c, struct roster *roster, struct capturer *capturer)
{
	*c = (struct creations){.roster = roster, .capturer = capturer, .signals = c->signals};
	c->programs = calloc(roster->n, sizeof(*c->programs));
	if (!c->programs)
		return -ENOMEM;
	for (uint32_t i = 0; i < roster->n; i++)
		c->programs[i] = (struct program){
			.number = roster->v[i]->number,
			.generation = roster->v[i]->mappings.generation,
		};
	int error = watcher_begin(&c->watcher, capturer->ring, roster->v, roster->n);
	if (error)
		return error;
	while (!atomic_load(&c->watcher.is_attached))
		beat(c);
	c->is_on = 1;
	return atomic_load(&c->watcher.counts.attached) ? 0 : -EPERM;
}

/* What is new of a count. */
static uint64_t news(uint64_t *told, uint64_t now)
{
	uint64_t more = now - *told;

	*told = now;
	return more;
}

void creations_tell(struct creations *c, struct tracer_stats *stats)
{
	struct watcher_counts *w = &c->watcher.counts;
	struct tracer_creations *told = &c->told;

	if (!c->programs)
		return;
	struct tracer_creations more = {
		.created = news(&told->created, c->created),
		.no_room = news(&told->no_room, c->no_room),
		.group_stops = news(&told->group_stops, w->group_stops),
		.let_go = news(&told->let_go, w->let_go),
		.others = news(&told->others, w->others),
		.others_ns = news(&told->others_ns, w->others_ns),
		.attached = news(&told->attached, w->attached),
		.attach_ns = news(&told->attach_ns, w->attach_ns),
	};
	c->signals += news(&c->told_calls.signals, w->signals);
	stats->repaired += news(&c->told_calls.repaired, w->repaired);
	stats->failed += news(&c->told_calls.failed, w->failed);
	stats->cut_short += news(&c->told_calls.cut_short, w->cut_short);
	wire_send(c->roster->common.sock, TRACER_CREATIONS, &more, sizeof(more), -1);
}

/* A watcher that hangs keeps what it works with: our end frees the thread that it holds. */
void creations_end(struct creations *c, struct tracer_stats *stats)
{
	if (c->is_on) {
		c->is_on = 0;
		watcher_end(&c->watcher);
		creations_take(c, 1);
		creations_tell(c, stats);
	}
	if (!c->programs || !atomic_load(&c->watcher.is_over))
		return;
	watcher_free(&c->watcher);
	free(c->programs);
	free(c->creators);
	c->programs = NULL;
	c->creators = NULL;
	c->n = c->room = 0;
}
