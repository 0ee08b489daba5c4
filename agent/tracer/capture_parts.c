/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/tracer/capture_parts.h"
#include "agent/tracer/goroutine.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/sigframe.h"
#include "base/now.h"

#define ROOM_WAIT_NS (10 * SECOND)

/* How much stack this thread needed so far; the worker's word, so held within bounds. A snapshot
 * has no second try: it takes what there is. */
size_t capture_stack_wanted(const struct capturer *c, const struct thread *th, uint32_t kinds)
{
	size_t want = atomic_load_explicit(
		&c->ring->page->stack_want[th->serial % RING_WANTS], memory_order_relaxed);

	if (kinds & KINDS_OF_MOMENT)
		return LIMIT_STACK_MAX;
	if (!want)
		return LIMIT_STACK_UNKNOWN;
	if (want < LIMIT_STACK_LEAST)
		return LIMIT_STACK_LEAST;
	return want > LIMIT_STACK_MAX ? LIMIT_STACK_MAX : want;
}

/* Room for as much of two stacks; where the worker falls behind, of one. */
struct capture *capture_reserve(struct capturer *c, size_t stack)
{
	c->room = 2 * stack;
	struct capture *cap = ring_reserve(c->ring, sizeof(*cap) + c->room + KERNEL_BYTES);

	if (!cap) {
		c->room = stack;
		cap = ring_reserve(c->ring, sizeof(*cap) + c->room + KERNEL_BYTES);
	}
	if (!cap)
		atomic_fetch_add_explicit(&c->ring->page->dropped, 1, memory_order_relaxed);
	return cap;
}

/* In a program made by Go. What lies above a stack's end is none of this thread's. How much of the
 * other stack is to be read. */
static size_t look_for_goroutine(struct capturer *c, const struct thread *th,
	const struct user_regs_struct *u, size_t want, struct capture *cap)
{
	uint32_t curg = atomic_load_explicit(
		&c->ring->page->curg[th->process->number % RING_WANTS], memory_order_relaxed);

	if (!curg)
		return 0;
	struct goroutine g = goroutine_of(th->tid, u, curg);
	if (g.stack_end && g.stack_end - cap->stack_base < cap->stack_len)
		cap->stack_len = g.stack_end - cap->stack_base;
	cap->other_sp = g.sp;
	cap->other_pc = g.pc;
	size_t whole = g.sp_end - g.sp + MEMORY_RED_ZONE;
	return whole < want ? whole : want;
}

/* Of the stack that a signal or Go's runtime took the thread away from. */
static void read_other(struct capturer *c, const struct thread *th, uint64_t sp,
	const struct user_regs_struct *u, size_t want, struct capture *cap)
{
	cap->other_pc = cap->other_len = 0;
	cap->other_sp = sigframe_interrupted(cap->stack, cap->stack_len, cap->stack_base, sp);
	if (!cap->other_sp && u)
		want = look_for_goroutine(c, th, u, want, cap);
	if (!cap->other_sp || c->room - cap->stack_len < want)
		return;
	long n = memory_read_stack(
		th->tid, cap->other_sp, cap->stack + cap->stack_len, want, &cap->other_base);
	cap->other_len = n > 0 ? n : 0;
}

/* The stack above sp, but not where a tracer before us never came back from. u: NULL where
 * only sp is known. 0 or -errno. */
int capture_read_stack(struct capturer *c, const struct thread *th, uint64_t sp,
	const struct user_regs_struct *u, size_t want, struct capture *cap)
{
	if (ring_begin_read(c->ring, th->tid))
		return -EFAULT;
	long n = memory_read_stack(th->tid, sp, cap->stack, want, &cap->stack_base);
	cap->stack_len = n > 0 ? n : 0;
	read_other(c, th, sp, u, want, cap);
	ring_end_read(c->ring);
	return n > 0 ? 0 : n;
}

void capture_fill(struct capture *cap, const struct capturer *c, const struct thread *th,
	uint32_t kinds, int state)
{
	cap->kinds = kinds;
	cap->id = cap->contentions = cap->again = 0;
	cap->looks = 1;
	cap->wait = (struct wait){.call = -1};
	cap->thread = th->serial;
	cap->process = th->process->number;
	cap->generation = th->process->mappings.generation;
	cap->interval = c->interval;
	cap->flags = 0;
	cap->missing = MISSING_NOT;
	cap->weight = kinds & KINDS_OF_TICKS ? th->weight : WEIGHT_ONE;
	cap->n_kernel = 0;
	cap->time = clock_now();
	cap->stack_base = cap->stack_len = 0;
	cap->other_sp = cap->other_pc = 0;
	cap->other_base = cap->other_len = 0;
	cap->goroutine = kinds == KIND(PROFILE_GOROUTINE) ? c->wanted.id : 0;
	cap->state = cap->goroutine ? GO_RUNNING : state;
}

/* Only where another capture may refer to it: session keeps such stacks. */
void capture_set_id(const struct capturer *c, struct thread *th, struct capture *cap, uint64_t runs)
{
	if (!(c->asked & (KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))))
		return;
	cap->id = ++th->waiting.id;
	th->waiting.runs = runs;
	th->waiting.has_stack = 1;
}

void capture_push(struct capturer *c, struct capture *cap)
{
	size_t stacks = cap->stack_len + cap->other_len, kernel = cap->n_kernel * sizeof(uint32_t);

	memcpy(cap->stack + stacks, c->in_kernel, kernel);
	c->stats->taken++;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		c->stats->captured[kind] += !!(cap->kinds & KIND(kind));
	ring_commit(c->ring, sizeof(*cap) + stacks + kernel);
}

/* Who holds a lock is only known while it cannot move. */
void capture_look_at_locks(struct capturer *c, const struct thread *th)
{
	c->held = 0;
	for (uint32_t i = 0; i < c->n_charges && i < CAPTURE_CHARGES; i++) {
		if (ring_begin_read(c->ring, th->tid))
			return;
		c->held |= (uint32_t)charge_is_held(&c->charges[i]) << i;
		ring_end_read(c->ring);
	}
}

/* The capture is of the first that it holds; what a weight cannot say stays there. */
int capture_runs_wanted(struct capturer *c, const struct thread *th, uint32_t kinds)
{
	int runs = kinds != KIND(PROFILE_GOROUTINE);

	if (!runs && !ring_begin_read(c->ring, th->tid)) {
		runs = goroutine_is_run(th->tid, c->wanted.held, c->wanted.g);
		ring_end_read(c->ring);
	}
	return runs;
}

static uint16_t at_most_16(uint32_t n)
{
	return n < UINT16_MAX ? n : UINT16_MAX;
}

void capture_take_charge(struct capturer *c, struct capture *cap)
{
	uint32_t i = 0;

	while (!(c->held & 1u << i))
		i++;
	struct charge *charge = &c->charges[i];
	cap->weight = charge->weight < UINT16_MAX ? charge->weight : UINT16_MAX;
	cap->contentions = at_most_16(charge->contentions);
	cap->again = at_most_16(charge->again);
	cap->wait = charge->wait;
	cap->looks = 0;
	charge->weight -= cap->weight;
	charge->contentions -= cap->contentions;
	charge->again -= cap->again;
}

/* Without a stack. */
static int push_more(struct capturer *c, const struct thread *th, const struct capture_more *more,
	uint32_t flags, enum capture_missing why)
{
	struct capture *cap = capture_reserve(c, 0);

	if (!cap)
		return -ENOSPC;
	capture_fill(cap, c, th, more->kinds, more->state);
	cap->flags = flags;
	cap->missing = why;
	cap->id = flags & CAPTURE_SAME ? th->waiting.id : 0;
	cap->weight = more->weight;
	cap->looks = more->looks;
	cap->contentions = at_most_16(more->contentions);
	cap->again = at_most_16(more->again);
	cap->wait = more->wait;
	cap->regs = (struct regs){0};
	capture_push(c, cap);
	return 1;
}

struct capture *capture_goroutine(
	struct capturer *c, const struct thread *th, uint64_t id, int state, size_t stack)
{
	struct capture *cap = capture_reserve(c, stack);

	if (!cap)
		return NULL;
	capture_fill(cap, c, th, KIND(PROFILE_GOROUTINE), state);
	cap->goroutine = id;
	cap->state = state;
	return cap;
}

int capture_same(struct capturer *c, const struct thread *th, const struct capture_more *more)
{
	return push_more(c, th, more, CAPTURE_SAME, MISSING_NOT);
}

int capture_missing(struct capturer *c, const struct thread *th, const struct capture_more *more,
	enum capture_missing why)
{
	return push_more(c, th, more, CAPTURE_NO_STACK, why);
}
void capture_wait_for_room(struct capturer *c)
{
	uint64_t until = clock_now() + ROOM_WAIT_NS;

	while (!ring_reserve(c->ring, CAPTURE_MAX) && clock_now() < until) {
		struct timespec pause = {.tv_nsec = 1000000};
		ring_wake(c->ring);
		nanosleep(&pause, NULL);
		atomic_fetch_add(&c->ring->page->tracer_beat, 1);
	}
}
