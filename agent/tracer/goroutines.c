/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tracer/goroutine_walk.h"
#include "agent/tracer/goroutines.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/proc_status.h"
#include "agent/tracer/snapshot.h"

#define TRIES 8u

/* --- the list ----------------------------------------------------------------------------- */

/* The list moves when it grows, and only its end changes else. */
static enum go_lack read_list(struct goroutine_walk *w)
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

/* goroutine_capture of one that runs: through its thread. */
static int capture_running_one(
	struct goroutine_walk *w, uint64_t g, const struct goroutine_view *v, int *result)
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

static void push_missing(struct goroutine_walk *w, const struct goroutine_view *v, int result)
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

static void one_goroutine(struct goroutine_walk *w, uint64_t g, struct goroutine_view v)
{
	int result = -EAGAIN;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (tries && goroutine_read(w, g, w->g[0], w->size) < 0)
			return;
		if (tries)
			goroutine_see(&w->facts->layout, w->g[0], &v);
		if (!goroutine_is_one(&v))
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
static uint32_t read_batch(struct goroutine_walk *w, uint32_t from, struct goroutine_view *views)
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
static int is_sensible(const struct goroutine_view *views, uint32_t n)
{
	uint32_t bad = 0, good = 0;

	for (uint32_t i = 0; i < n; i++) {
		bad += !goroutine_makes_sense(&views[i]);
		good += goroutine_is_one(&views[i]) && goroutine_makes_sense(&views[i]);
	}
	return good && bad <= n / 16;
}

static enum go_lack walk_list(struct goroutine_walk *w)
{
	struct goroutine_view views[GOROUTINE_BATCH];

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
	struct goroutine_walk *w = calloc(1, sizeof(*w));
	enum go_lack lack = GO_LACK_MEMORY;

	if (w && p->threads.n) {
		*w = (struct goroutine_walk){
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
