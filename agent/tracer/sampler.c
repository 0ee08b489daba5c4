/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "agent/tracer/sampler.h"

#define IDLE_LOOKS   25u /* looks without a move after which a thread is only seen in turn */
#define IDLE_ROUND   1u	 /* at least so many idle threads are looked at in each tick */
#define ACTIVE_LOOKS 8u	 /* threads that run now and then: so many are looked at in each tick */
#define ROUND_TICKS  25u /* and all of them within so many ticks */

int sampler_prepare(struct sampler *s)
{
	uint32_t n = s->threads->n;

	if (n > s->room) {
		uint32_t *v = realloc(s->candidates, n * 2 * sizeof(*v));
		if (!v)
			return -ENOMEM;
		s->candidates = v;
		s->room = n * 2;
	}
	cpus_read(&s->cpus, s->capturer.target, s->threads);
	s->idle_round = n / ROUND_TICKS + IDLE_ROUND;
	return 0;
}

void sampler_fini(struct sampler *s)
{
	free(s->candidates);
	s->candidates = NULL;
	s->room = 0;
}

/* Runnable at this moment. stat costs four times schedstat, so it is read only where the thread can
 * have become runnable: it moved, or it was running when last seen. */
static int is_running(struct sampler *s, struct thread *th)
{
	uint64_t start_stack = 0;

	if (thread_look(th) < 0 || (!th->moved && !th->was_running))
		return 0;
	if (thread_state(s->capturer.target, th, &start_stack) != 'R')
		return 0;
	if (start_stack && s->start_stack && start_stack != s->start_stack)
		s->exec_seen = 1;
	s->start_stack = start_stack;
	return 1;
}

/* Of many threads that run now and then only some are looked at in each tick, by chance; what is
 * found stands for those that were not. */
static int is_looked_at(struct sampler *s, struct thread *th)
{
	th->weight = WEIGHT_ONE;
	if (th->was_running || s->active <= ACTIVE_LOOKS)
		return 1;
	th->weight = (uint64_t)WEIGHT_ONE * s->active / ACTIVE_LOOKS;
	if (th->weight > UINT16_MAX)
		th->weight = UINT16_MAX;
	return clock_random(s->clock, s->active) < ACTIVE_LOOKS;
}

/* Fills candidates; how many. */
static uint32_t collect(struct sampler *s)
{
	struct threads *t = s->threads;
	uint32_t n = 0, idle = 0, active = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		struct thread *th = &t->v[i];
		if (th->ended || (!th->was_running && th->idle_looks >= IDLE_LOOKS))
			continue;
		active += !th->was_running;
		if (is_looked_at(s, th) && is_running(s, th))
			s->candidates[n++] = i;
	}
	s->active = active;
	for (uint32_t steps = 0; steps < t->n && idle < s->idle_round; steps++) {
		t->turn = t->turn + 1 < t->n ? t->turn + 1 : 0;
		struct thread *th = &t->v[t->turn];
		if (th->ended || th->idle_looks < IDLE_LOOKS || th->was_running)
			continue;
		idle++;
		th->weight = WEIGHT_ONE;
		if (is_running(s, th))
			s->candidates[n++] = t->turn;
	}
	return n;
}

static void shuffle(struct sampler *s, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = clock_random(s->clock, i);
		uint32_t swap = s->candidates[i - 1];
		s->candidates[i - 1] = s->candidates[j];
		s->candidates[j] = swap;
	}
}

/* One clock instead of a look at each thread; not asked where the last tick found someone running.
 */
static int nothing_ran(struct sampler *s)
{
	if (s->busy)
		return 0;
	uint64_t now = target_clock(s->capturer.target);
	int same = now && now == s->last_process_clock;
	s->last_process_clock = now;
	return same;
}

int sampler_tick(struct sampler *s)
{
	struct capturer *c = &s->capturer;

	if (c->tracee.late && tracee_collect(&c->tracee) == -EAGAIN)
		return -EAGAIN;
	if (nothing_ran(s))
		return 0;
	uint32_t n = collect(s), taken = 0;
	s->busy = n != 0;
	uint32_t cpus = s->cpus.n;
	/* A thread that its group's quota holds back cannot reach a stop either. */
	int crowded = n > cpus || s->cpus.quota > 0;
	if (s->exec_seen)
		return 0; /* these maps are another program's: the caller reads them anew */
	shuffle(s, n);
	for (uint32_t i = 0; i < n; i++) {
		struct thread *th = &s->threads->v[s->candidates[i]];
		if (crowded && (taken >= cpus || thread_is_on_cpu(c->target, th) != 1)) {
			c->stats->skipped[SKIP_QUEUED]++;
			continue;
		}
		taken++;
		enum skip skip = capture_running(c, th, PROFILE_CPU, 'R');
		if (skip == SKIPS)
			continue;
		c->stats->skipped[skip]++;
		if (skip == SKIP_LATE)
			return -EAGAIN;
	}
	return 0;
}

#define ROOM_WAIT_NS                                                                               \
	10000000000ull /* for a worker that does not keep up; it is replaced before                \
			*/

/* Nothing is stopped between two threads of a snapshot, so it may wait for the worker: every thread
 * is shown. */
static void wait_for_room(struct sampler *s)
{
	struct ring *ring = s->capturer.ring;
	uint64_t until = clock_now() + ROOM_WAIT_NS;

	while (!ring_reserve(ring, sizeof(struct capture) + LIMIT_STACK_MAX) &&
		clock_now() < until) {
		struct timespec pause = {.tv_nsec = 1000000};
		ring_wake(ring);
		nanosleep(&pause, NULL);
		atomic_fetch_add(&ring->page->tracer_beat, 1);
	}
}

/* A running thread is stopped, a blocked one read; each may turn into the other meanwhile. */
static void snapshot_thread(struct sampler *s, struct thread *th)
{
	struct capturer *c = &s->capturer;
	int state = thread_state(c->target, th, NULL);
	int result = state < 0 ? -ESRCH : 0;

	for (int tries = 0; result == 0 && tries < 8; tries++) {
		/* A thread that job control holds loses nothing by a stop, and shows all registers.
		 */
		result = state == 'T' ? 0 : capture_blocked(c, th, state);
		if (result)
			break;
		enum skip skip = capture_running(c, th, PROFILE_THREADS, state == 'T' ? 'T' : 'R');
		if (skip == SKIPS)
			return;
		if (skip == SKIP_GONE || skip == SKIP_RING_FULL)
			return;
		if (skip == SKIP_LATE) {
			capture_missing(c, th, state, MISSING_LATE);
			while (tracee_collect(&c->tracee) == -EAGAIN)
				if (clock_now() - c->tracee.since >
					LIMIT_STOP_GIVEUP_MS * 1000000ull)
					return;
			return;
		}
		result = skip == SKIP_DENIED ? -EPERM : 0;
	}
	if (result == -EAGAIN || result == 0)
		capture_missing(c, th, state, MISSING_MOVING);
	else if (result == -EPERM)
		capture_missing(c, th, state, MISSING_DENIED);
}

void sampler_snapshot(struct sampler *s)
{
	for (uint32_t i = 0; i < s->threads->n; i++) {
		if (s->threads->v[i].ended)
			continue;
		wait_for_room(s);
		snapshot_thread(s, &s->threads->v[i]);
		atomic_fetch_add(&s->capturer.ring->page->tracer_beat, 1);
	}
}
