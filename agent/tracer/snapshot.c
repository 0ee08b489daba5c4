/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <time.h>

#include "agent/tracer/clock.h"
#include "agent/tracer/snapshot.h"

#define TRIES 8 /* a thread may block and run in turn while we look at it */
#define ROOM_WAIT_NS                                                                               \
	10000000000ull /* for a worker that does not keep up: it is replaced before                \
			*/

static void beat(struct capturer *c)
{
	atomic_fetch_add(&c->ring->page->tracer_beat, 1);
}

/* Nothing is stopped between two threads of a snapshot, so it may wait for the worker: every thread
 * is shown. */
void snapshot_wait(struct capturer *c)
{
	uint64_t until = clock_now() + ROOM_WAIT_NS;

	while (!ring_reserve(c->ring, CAPTURE_MAX) && clock_now() < until) {
		struct timespec pause = {.tv_nsec = 1000000};
		ring_wake(c->ring);
		nanosleep(&pause, NULL);
		beat(c);
	}
}

/* For as long as a tick would; then the others get their turn, those that need no stop. */
static void wait_for_late(struct capturer *c)
{
	while (tracee_collect(&c->tracee) == -EAGAIN &&
		clock_now() - c->tracee.since <= LIMIT_STOP_GIVEUP_MS * 1000000ull)
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

int snapshot_thread(struct capturer *c, struct thread *th, uint32_t kinds, int *state)
{
	int result = 0;

	*state = 0;
	for (int tries = 0; result == 0 && tries < TRIES; tries++) {
		*state = thread_state(th, NULL);
		if (*state == -ESRCH)
			return -ESRCH;
		if (*state > 0)
			result = look_at(c, th, kinds, *state);
	}
	return result;
}

static void one_thread(struct capturer *c, struct thread *th)
{
	int state, result = snapshot_thread(c, th, KIND(PROFILE_THREADS), &state);
	struct capture_more more = {
		.kinds = KIND(PROFILE_THREADS),
		.weight = WEIGHT_ONE,
		.looks = 1,
		.state = state > 0 ? state : 0,
		.wait = {.call = -1},
	};

	if (result != 1 && result != -ENOSPC && result != -ESRCH)
		capture_missing(c, th, &more, snapshot_reason(result));
}

void snapshot_take(struct capturer *c, struct threads *threads)
{
	for (uint32_t i = 0; i < threads->n; i++) {
		if (threads->v[i].ended)
			continue;
		snapshot_wait(c);
		one_thread(c, &threads->v[i]);
		beat(c);
	}
}
