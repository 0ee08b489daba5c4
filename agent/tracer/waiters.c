/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "agent/tracer/waiters.h"

void waiters_begin_tick(struct waiters *w)
{
	w->charges.n = 0;
}

static uint32_t asked(const struct waiters *w, uint32_t kinds)
{
	return w->capturer->asked & kinds;
}

/* --- telling ------------------------------------------------------------------------------ */

/* With the stack that is known, or why there is none. In parts that a capture's weight can say;
 * what there is no room for is counted. */
static void push(struct waiters *w, const struct thread *th, struct capture_more more,
	enum capture_missing why)
{
	struct capturer *c = w->capturer;
	uint32_t weight = more.weight, most = UINT16_MAX;

	while (weight) {
		more.weight = weight < most ? weight : most;
		int pushed = why == MISSING_NOT ? capture_same(c, th, &more)
						: capture_missing(c, th, &more, why);
		if (pushed != 1)
			c->stats->skipped[SKIP_RING_FULL]++;
		weight -= more.weight;
		more.looks = more.contentions = more.again = 0;
	}
}

static void tell(struct waiters *w, struct thread *th)
{
	struct waiting *of = &th->waiting;
	struct capture_more more = {
		.kinds = capture_kinds_of(
			asked(w, KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK)), &of->wait),
		.weight = of->weight,
		.looks = of->looks,
		.state = of->state,
		.wait = of->wait,
	};

	if (of->weight && more.kinds)
		push(w, th, more, MISSING_NOT);
	more.kinds = KIND(PROFILE_MUTEX);
	more.weight = of->orphan_weight;
	more.looks = 0;
	more.wait.flags |= WAIT_NO_HOLDER;
	if (of->orphan_weight)
		push(w, th, more, MISSING_NOT);
	of->weight = of->looks = of->orphan_weight = 0;
}

void waiters_tell_all(struct waiters *w, int is_last)
{
	for (uint32_t i = 0; i < w->n_processes; i++) {
		struct threads *threads = &w->processes[i]->threads;
		for (uint32_t j = 0; j < threads->n; j++) {
			tell(w, &threads->v[j]);
			if (is_last)
				threads->v[j].waiting.runs = UINT64_MAX;
		}
	}
}

static void count_again(struct waiting *of, int as_such)
{
	if (of->counted == UINT64_MAX)
		return;
	of->counted_before = as_such ? of->counted : UINT64_MAX;
	of->counted = UINT64_MAX;
}

void waiters_count_again(struct waiters *w, int as_such)
{
	for (uint32_t i = 0; i < w->n_processes; i++)
		for (uint32_t j = 0; j < w->processes[i]->threads.n; j++)
			count_again(&w->processes[i]->threads.v[j].waiting, as_such);
}

static void push_missing(
	struct waiters *w, const struct thread *th, int state, enum capture_missing why)
{
	struct capture_more more = {
		.kinds = KIND(PROFILE_WALL),
		.weight = th->weight,
		.looks = 1,
		.state = state,
		.wait = {.call = -1},
	};

	if (!asked(w, KIND(PROFILE_WALL)))
		return;
	if (capture_missing(w->capturer, th, &more, why) != 1)
		w->capturer->stats->skipped[SKIP_RING_FULL]++;
}

/* --- who waits ---------------------------------------------------------------------------- */

static struct thread *find_thread(const struct waiters *w, pid_t tid)
{
	for (uint32_t i = 0; i < w->n_processes; i++) {
		struct threads *threads = &w->processes[i]->threads;
		for (uint32_t j = 0; j < threads->n; j++)
			if (threads->v[j].tid == tid && !threads->v[j].ended)
				return &threads->v[j];
	}
	return NULL;
}

int waiters_knows(const void *arg, pid_t tid)
{
	return find_thread(arg, tid) != NULL;
}

/* 1 charged to a thread that we can look at. */
static int charge(struct waiters *w, const struct thread *th, int is_first_look)
{
	const struct waiting *of = &th->waiting;
	struct charge more = {
		.process = th->process,
		.call = {.nr = of->nr},
		.wait = of->wait,
		.weight = th->weight,
		.contentions = is_first_look && of->is_new,
		.again = is_first_look && of->is_again,
	};

	if (!of->wait.holder || (of->wait.flags & WAIT_HOLDER_OTHER))
		return 0;
	memcpy(more.call.args, of->args, sizeof(more.call.args));
	return charges_add(&w->charges, &more) == 0;
}

/* The holder may be another one by now, while the thread sleeps on. */
static void look_at_same(struct waiters *w, struct thread *th)
{
	struct waiting *of = &th->waiting;

	if (of->has_stack) {
		of->looks++;
		of->weight += th->weight;
	}
	if (asked(w, KIND(PROFILE_MUTEX)) && capture_may_have_holder(&of->wait)) {
		capture_find_holder(w->capturer, th);
		if (!charge(w, th, 0) && of->has_stack)
			of->orphan_weight += th->weight;
	}
	if (of->weight > UINT16_MAX / 2 || of->orphan_weight > UINT16_MAX / 2)
		tell(w, th);
}

void waiters_look(struct waiters *w, struct thread *th)
{
	if (th->state == 'Z' || th->state == 'X')
		return;
	if (th->waiting.runs == th->last.runs) {
		look_at_same(w, th);
		return;
	}
	tell(w, th);
	switch (capture_blocked(w->capturer, th, asked(w, WAITERS_KINDS), th->state)) {
	case 1:
	case 2:
		charge(w, th, 1);
		break;
	case 0:
	case -EAGAIN:
		push_missing(w, th, th->state, MISSING_MOVING);
		break;
	case -ENOSPC:
		w->capturer->stats->skipped[SKIP_RING_FULL]++;
		break;
	case -EPERM:
		push_missing(w, th, th->state, MISSING_DENIED);
		break;
	default: /* it has ended */
		break;
	}
}

void waiters_missed(struct waiters *w, struct thread *th, enum skip why)
{
	static const enum capture_missing reasons[SKIPS] = {
		[SKIP_BLOCKED] = MISSING_MOVING,
		[SKIP_LATE] = MISSING_LATE,
		[SKIP_DENIED] = MISSING_DENIED,
		[SKIP_QUEUED] = MISSING_QUEUED,
	};

	if (!asked(w, WAITERS_KINDS) || why == SKIPS || !reasons[why])
		return;
	/* It was on its way to sleep, or out of it: that is where it was. */
	if (why == SKIP_BLOCKED && thread_look(th, th->looked_at) == 0 &&
		thread_state(th, NULL) > 0 && th->state != 'R')
		waiters_look(w, th);
	else
		push_missing(w, th, why == SKIP_QUEUED ? 'Q' : 'R', reasons[why]);
}

/* --- who holds ---------------------------------------------------------------------------- */

void waiters_begin_capture(struct waiters *w, struct thread *th)
{
	struct capturer *c = w->capturer;

	tell(w, th); /* its stack will be another one */
	c->held = 0;
	c->charges = charges_of(&w->charges, th->tid, &c->n_charges);
}

static struct capture_more more_of(const struct charge *from, int state)
{
	return (struct capture_more){
		.kinds = KIND(PROFILE_MUTEX),
		.weight = from->weight,
		.contentions = from->contentions,
		.again = from->again,
		.state = state,
		.wait = from->wait,
	};
}

void waiters_end_capture(struct waiters *w, struct thread *th, enum skip skip)
{
	struct capturer *c = w->capturer;
	struct charge *v = charges_of(&w->charges, th->tid, &c->n_charges);

	for (uint32_t i = 0; skip == SKIPS && i < c->n_charges && i < CAPTURE_CHARGES; i++) {
		if (!(c->held & 1u << i) || !v[i].weight)
			continue;
		push(w, th, more_of(&v[i], th->state), MISSING_NOT);
		v[i].weight = 0;
	}
	c->n_charges = 0;
}

/* What it does not hold any more, or what could not be looked at. */
static void push_unheld(struct waiters *w, const struct thread *th, struct charge *v, uint32_t n,
	enum capture_missing why)
{
	for (uint32_t i = 0; i < n; i++) {
		push(w, th, more_of(&v[i], th->state), why);
		v[i].weight = 0;
	}
}

/* One that sleeps with the lock: its stack may be known. */
static enum capture_missing charge_blocked(struct waiters *w, struct thread *th)
{
	struct capturer *c = w->capturer;
	struct schedstat now;

	if (th->waiting.has_stack && th->waiting.runs == th->last.runs) {
		capture_look_at_locks(c, th);
		if (schedstat_read(th->schedstat_fd, &now) == 0 && now.runs == th->waiting.runs) {
			waiters_end_capture(w, th, SKIPS);
			return MISSING_RELEASED;
		}
	}
	switch (capture_blocked(c, th, KIND(PROFILE_MUTEX), th->state)) {
	case 1:
		waiters_end_capture(w, th, SKIPS);
		return MISSING_RELEASED;
	case -EPERM:
		return MISSING_DENIED;
	case 2:
		return MISSING_RELEASED;
	default:
		return MISSING_MOVING;
	}
}

static enum capture_missing charge_running(struct waiters *w, struct thread *th, int is_crowded)
{
	/* One on our CPU waits for us, and gets it while we wait for its stop. */
	if (is_crowded && th->processor != sched_getcpu() &&
		thread_is_on_cpu(&th->process->target, th) != 1)
		return MISSING_QUEUED;
	switch (capture_running(w->capturer, th, KIND(PROFILE_MUTEX), 'R')) {
	case SKIPS:
	case SKIP_UNREADABLE:
		waiters_end_capture(w, th, SKIPS);
		return MISSING_RELEASED;
	case SKIP_LATE:
		return MISSING_LATE;
	case SKIP_DENIED:
		return MISSING_DENIED;
	default:
		return MISSING_RELEASED;
	}
}

static void charge_holder(struct waiters *w, pid_t tid, int is_crowded)
{
	struct thread *th = find_thread(w, tid);
	uint32_t n;
	struct charge *v = charges_of(&w->charges, tid, &n);

	if (!th)
		return;
	if (!th->process->mappings.generation)
		process_read_maps(th->process);
	waiters_begin_capture(w, th);
	enum capture_missing why = MISSING_MOVING;
	if (thread_look(th, th->looked_at) == 0 && thread_state(th, NULL) > 0)
		why = th->state == 'R' ? charge_running(w, th, is_crowded) : charge_blocked(w, th);
	w->capturer->n_charges = 0;
	push_unheld(w, th, v, n, why);
}

void waiters_charge(struct waiters *w, int is_crowded)
{
	for (uint32_t i = 0; i < w->charges.n && !w->capturer->tracee.late; i++)
		if (w->charges.v[i].weight)
			charge_holder(w, w->charges.v[i].wait.holder, is_crowded);
}
