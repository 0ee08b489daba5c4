/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "agent/tracer/snapshot.h"
#include "base/now.h"

#define TRIES 8 /* a thread may block and run in turn while we look at it */

static void beat(struct capturer *c)
{
	atomic_fetch_add(&c->ring->page->tracer_beat, 1);
}

/* For as long as a tick would; then the others get their turn, those that need no stop. */
static void wait_for_late(struct capturer *c)
{
	while (tracee_collect(&c->tracee) == -EAGAIN &&
		clock_now() - c->tracee.since <= LIMIT_STOP_GIVEUP_MS * MS)
		beat(c);
}

/* 1 captured or no room, 0 try again, -errno: why there is no stack. */
static int stop_and_capture(struct capturer *c, struct thread *th, uint32_t kinds, int state)
{
	switch (capture_running(c, th, kinds, state)) {
	case SKIP_LATE:
		wait_for_late(c);
		return -EBUSY;
	case SKIP_DENIED:
		return -EPERM;
	case SKIP_BLOCKED: /* what was wanted of it is not there any more */
		return -EAGAIN;
	case SKIPS:
	case SKIP_RING_FULL:
		return 1;
	default:
		return 0;
	}
}

/* The same; a thread that job control holds loses nothing by a stop, and shows all registers. */
static int look_at(struct capturer *c, struct thread *th, uint32_t kinds, int state)
{
	int result = state == 'T' ? 0 : capture_blocked(c, th, kinds, state);

	if (result == 0)
		result = stop_and_capture(c, th, kinds, state == 'T' ? 'T' : 'R');
	/* If it has ended, its state will say so. */
	return result == -ESRCH ? 0 : result;
}

enum capture_missing snapshot_reason(int result)
{
	if (result == -EAGAIN || result == 0)
		return MISSING_MOVING;
	return result == -EBUSY ? MISSING_LATE : MISSING_DENIED;
}

static int look_until_it_rests(struct capturer *c, struct thread *th, uint32_t kinds,
	struct details *details, struct before *before, int *state)
{
	int result = 0;

	*state = 0;
	for (int tries = 0; result == 0 && tries < TRIES; tries++) {
		*state = thread_state(th, NULL);
		if (*state == -ESRCH || (details && detail_begin(details, th, *state, before) < 0))
			return -ESRCH;
		if (*state > 0)
			result = look_at(c, th, kinds, *state);
	}
	return result;
}

int snapshot_thread(struct capturer *c, struct thread *th, uint32_t kinds, int *state)
{
	return look_until_it_rests(c, th, kinds, NULL, NULL, state);
}

static void one_thread(struct capturer *c, struct thread *th, struct details *details)
{
	struct before before = {0};
	int state, result = look_until_it_rests(
			   c, th, KIND(PROFILE_THREADS), details, &before, &state);
	struct capture_more more = {
		.kinds = KIND(PROFILE_THREADS),
		.weight = WEIGHT_ONE,
		.looks = 1,
		.state = state > 0 ? state : 0,
		.wait = {.call = -1},
	};

	if (result == -ESRCH)
		return;
	if (result != 1 && result != -ENOSPC)
		capture_missing(c, th, &more, snapshot_reason(result));
	if (details)
		detail_tell(details, th, &before);
}

/* By the name that it has now. */
static int is_left_out(struct thread *th)
{
	const struct process *p = th->process;

	if (p && p->common && p->common->names.is_set)
		thread_state(th, NULL);
	return th->is_left_out;
}

void snapshot_take(struct capturer *c, struct threads *threads, struct details *details)
{
	for (uint32_t i = 0; i < threads->n; i++) {
		if (threads->v[i].ended || is_left_out(&threads->v[i]))
			continue;
		capture_wait_for_room(c);
		one_thread(c, &threads->v[i], details);
		beat(c);
	}
}
