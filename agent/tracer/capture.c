/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/call.h"
#include "agent/tracer/capture.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/goroutine.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/sigframe.h"
#include "agent/tracer/stats.h"

/* Those of threads that compute. */
#define COMPUTING (KIND(PROFILE_CPU) | KIND(PROFILE_WALL))

/* How much stack this thread needed so far; the worker's word, so held within bounds. A snapshot
 * has no second try: it takes what there is. */
static size_t stack_wanted(const struct capturer *c, const struct thread *th, uint32_t kinds)
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
static struct capture *reserve(struct capturer *c, size_t stack)
{
	c->room = 2 * stack;
	struct capture *cap = ring_reserve(c->ring, sizeof(*cap) + c->room);

	if (!cap) {
		c->room = stack;
		cap = ring_reserve(c->ring, sizeof(*cap) + c->room);
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
static int read_stack(struct capturer *c, const struct thread *th, uint64_t sp,
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

static void fill(struct capture *cap, const struct capturer *c, const struct thread *th,
	uint32_t kinds, int state)
{
	cap->kinds = kinds;
	cap->id = cap->contentions = 0;
	cap->looks = 1;
	cap->wait = (struct wait){.call = -1};
	cap->thread = th->serial;
	cap->process = th->process->number;
	cap->generation = th->process->mappings.generation;
	cap->interval = c->interval;
	cap->flags = 0;
	cap->missing = MISSING_NOT;
	cap->weight = kinds & KINDS_OF_TICKS ? th->weight : WEIGHT_ONE;
	cap->time = clock_now();
	cap->stack_base = cap->stack_len = 0;
	cap->other_sp = cap->other_pc = 0;
	cap->other_base = cap->other_len = 0;
	cap->goroutine = kinds == KIND(PROFILE_GOROUTINE) ? c->wanted.id : 0;
	cap->state = cap->goroutine ? GO_RUNNING : state;
}

/* Only where another capture may refer to it: session keeps such stacks. */
static void set_id(const struct capturer *c, struct thread *th, struct capture *cap, uint64_t runs)
{
	if (!(c->asked & (KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))))
		return;
	cap->id = ++th->waiting.id;
	th->waiting.runs = runs;
	th->waiting.has_stack = 1;
}

void capture_push(struct capturer *c, const struct capture *cap)
{
	c->stats->taken++;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		c->stats->captured[kind] += !!(cap->kinds & KIND(kind));
	ring_commit(c->ring, sizeof(*cap) + cap->stack_len + cap->other_len);
}

/* Whether what the thread does at its stop is what it did at the check. A thread in user mode was
 * computing; one in a call was if it has not been put on a CPU again since, or only because we had
 * taken its CPU: then it was computing in the kernel. */
static int was_computing(struct thread *th, const struct user_regs_struct *u)
{
	struct schedstat now;

	if (!regs_in_syscall(u))
		return 1;
	if (call_was_blocked(u) || schedstat_read(th->schedstat_fd, &now) < 0)
		return 0;
	if (now.runs == th->last.runs)
		return 1;
	th->is_doubtful = 1;
	return th->preempted && now.runs == th->last.runs + 1;
}

/* Also of threads that came late to their stop, since the last time. */
static void count_calls(struct capturer *c)
{
	struct tracee_calls *calls = &c->tracee.calls;

	c->stats->repaired += calls->repaired;
	c->stats->failed += calls->failed;
	c->stats->cut_short += calls->cut_short;
	*calls = (struct tracee_calls){0};
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

/* Whether it is the goroutine that is asked for that it runs. */
static int runs_wanted(struct capturer *c, const struct thread *th, uint32_t kinds)
{
	int runs = kinds != KIND(PROFILE_GOROUTINE);

	if (!runs && !ring_begin_read(c->ring, th->tid)) {
		runs = goroutine_is_run(th->tid, c->wanted.held, c->wanted.g);
		ring_end_read(c->ring);
	}
	return runs;
}

/* The capture is of the first that it holds; what a weight cannot say stays there. */
static void take_charge(struct capturer *c, struct capture *cap)
{
	uint32_t i = 0;

	while (!(c->held & 1u << i))
		i++;
	struct charge *charge = &c->charges[i];
	cap->weight = charge->weight < UINT16_MAX ? charge->weight : UINT16_MAX;
	cap->contentions = charge->contentions;
	cap->wait = charge->wait;
	cap->looks = 0;
	charge->weight -= cap->weight;
	charge->contentions = 0;
}

/* While the thread is stopped: registers, then stack. Nothing else. */
static enum skip read_stopped(
	struct capturer *c, struct thread *th, struct capture *cap, size_t want, uint32_t kinds)
{
	struct user_regs_struct u;

	if (tracee_get_regs(&c->tracee, &u) < 0)
		return SKIP_GONE;
	int keep = !(kinds & COMPUTING) || was_computing(th, &u);
	regs_from_user(&cap->regs, &u);
	/* Before the target's memory is read, where we may hang and be killed. */
	if (regs_in_syscall(&u)) {
		th->starts_anew |= call_starts_anew(&u);
		call_clean_socket(&u, th->process->target.pidfd);
		tracee_mend_call(&c->tracee, &u);
		count_calls(c);
	}
	capture_look_at_locks(c, th);
	if (!keep || (kinds == KIND(PROFILE_MUTEX) && !c->held) || !runs_wanted(c, th, kinds))
		return SKIP_BLOCKED;
	return read_stack(c, th, u.rsp, &u, want, cap) == 0 ? SKIPS : SKIP_UNREADABLE;
}

/* After a stop, where it costs no pause. The CPU time of a thread that runs on is known by the
 * scheduler's tick only, and exactly at a stop: should it end before the next look, this is what is
 * known of it. How long it has waited for a CPU since the last look: most of it before its stop. */
static uint64_t look_after(struct thread *th)
{
	struct schedstat now;

	if (schedstat_read(th->schedstat_fd, &now) < 0)
		return 0;
	uint64_t queued = now.queued > th->last.queued ? now.queued - th->last.queued : 0;
	if (now.cpu > th->last.cpu) {
		th->last.cpu = now.cpu;
		th->unsent = 1;
	}
	return queued;
}

/* A thread that the tick met on a CPU, ours included, waited for one since then at most; one that
 * had waited before only wanted to use CPU time, and waited longer. */
static int was_on_cpu(const struct capturer *c, uint64_t arrived, uint64_t queued)
{
	const uint64_t slack = 200000; /* from our coming to the tick's begin */

	return queued <= arrived - c->began + slack;
}

/* A thread that wakes up on our CPU just when the tick comes does not get far: our interrupt would
 * find it on its way out of its wait, and make some calls wait their time once more. It gets the
 * CPU before it is stopped, and has to be running after that. */
static int is_past_its_wait(struct thread *th)
{
	const struct timespec pause = {0, 20000};
	const uint64_t way_out = 10000; /* ns of CPU: several times what it takes */
	struct schedstat now;

	if (!th->starts_anew || th->processor != sched_getcpu())
		return 1;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	if (thread_state(th, NULL) != 'R' || schedstat_read(th->schedstat_fd, &now) < 0)
		return 0;
	if (now.cpu < th->last.cpu + way_out)
		return 0;
	th->preempted = now.runs == th->last.runs + 1;
	th->last = now;
	th->unsent = 1;
	return 1;
}

/* Code without a file cannot be looked at later. The thread runs again: this costs no pause. */
static void read_code(struct capturer *c, const struct thread *th, struct capture *cap)
{
	uint64_t pc = cap->regs.r[DWREG_PC], sp = cap->regs.r[DWREG_RSP];
	unsigned char code[CODE_BYTES];

	_Static_assert(CODE_BYTES <= MEMORY_RED_ZONE, "there is room for it");
	if (cap->stack_base != sp - MEMORY_RED_ZONE || cap->stack_len < MEMORY_RED_ZONE ||
		!mappings_has_no_file(&th->process->mappings, pc) ||
		ring_begin_read(c->ring, th->tid))
		return;
	long n = memory_read(th->tid, pc - CODE_BEFORE, code, sizeof(code));
	ring_end_read(c->ring);
	if (n != (long)sizeof(code))
		return;
	memcpy(cap->stack, code, sizeof(code));
	cap->flags |= CAPTURE_CODE;
}

enum skip capture_running(struct capturer *c, struct thread *th, uint32_t kinds, int state)
{
	size_t want = stack_wanted(c, th, kinds);
	struct capture *cap = reserve(c, want);

	if (!cap)
		return SKIP_RING_FULL;
	if ((kinds & COMPUTING) && !is_past_its_wait(th))
		return SKIP_BLOCKED;
	uint64_t begin = clock_now();
	int error = tracee_stop(&c->tracee, th->tid, th->process->target.pid);
	if (error == -EAGAIN)
		return SKIP_LATE;
	if (error)
		return error == -ESRCH ? SKIP_GONE : SKIP_DENIED;
	uint64_t arrived = clock_now();
	fill(cap, c, th, kinds, state);
	enum skip skip = read_stopped(c, th, cap, want, kinds);
	tracee_release(&c->tracee);
	uint64_t queued = look_after(th);
	stats_add_stop(c->stats, clock_now() - begin, queued);
	if (skip == SKIPS && (kinds & COMPUTING) && !was_on_cpu(c, arrived, queued))
		skip = SKIP_QUEUED;
	/* A stack that cannot be read still has its pc: better than nothing, and marked. */
	if (skip != SKIPS && skip != SKIP_UNREADABLE)
		return skip;
	cap->flags = CAPTURE_STOPPED | (cap->stack_len == want ? CAPTURE_TAIL_CUT : 0);
	read_code(c, th, cap);
	if (kinds == KIND(PROFILE_MUTEX))
		take_charge(c, cap);
	set_id(c, th, cap, UINT64_MAX);
	capture_push(c, cap);
	return SKIPS;
}

/* 1 blocked, 0 running, -errno. */
static int read_call(const struct thread *th, struct call_now *call)
{
	char text[256];
	int fd = target_open_file(&th->process->target, th->tid, "syscall");

	if (fd < 0)
		return fd == -EACCES ? -EPERM : -ESRCH;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int error = n < 0 ? -errno : 0;
	close(fd);
	if (error)
		return error == -EPERM || error == -EACCES ? -EPERM : -ESRCH;
	text[n] = '\0';
	int found = waits_parse(text, call);
	return found == -EINVAL ? -ESRCH : found;
}

int capture_may_have_holder(const struct wait *w)
{
	return w->kind > WAIT_IDLE && w->kind != WAIT_COND && w->kind != WAIT_SEM &&
	       w->kind != WAIT_BARRIER;
}

uint32_t capture_kinds_of(uint32_t kinds, const struct wait *w)
{
	if (w->kind <= WAIT_IDLE)
		kinds &= ~KIND(PROFILE_BLOCK);
	/* Of a lock with a holder it is the holder's stack that counts. */
	if (!capture_may_have_holder(w) || (w->holder && !(w->flags & WAIT_HOLDER_OTHER)))
		kinds &= ~KIND(PROFILE_MUTEX);
	return kinds;
}

static void find_wait(
	struct capturer *c, const struct thread *th, const struct call_now *call, struct wait *wait)
{
	*wait = (struct wait){.call = call->nr};
	if (ring_begin_read(c->ring, th->tid))
		return;
	waits_find(th->process, call, wait);
	ring_end_read(c->ring);
	if (wait->holder && c->is_ours && !c->is_ours(c->arg, wait->holder))
		wait->flags |= WAIT_HOLDER_OTHER;
}

void capture_find_holder(struct capturer *c, struct thread *th)
{
	struct call_now call = {.nr = th->waiting.nr};

	memcpy(call.args, th->waiting.args, sizeof(call.args));
	find_wait(c, th, &call, &th->waiting.wait);
}

/* One try at a consistent view; 1, 2 nothing is wanted of it, 0 running, -EAGAIN it moved, -errno.
 */
static int read_blocked(struct capturer *c, struct thread *th, struct capture *cap, size_t want)
{
	struct schedstat before, after;
	struct call_now call;
	struct wait wait;

	if (schedstat_read(th->schedstat_fd, &before) < 0)
		return -ESRCH;
	int blocked = read_call(th, &call);
	if (blocked <= 0)
		return blocked;
	find_wait(c, th, &call, &wait);
	uint32_t kinds = capture_kinds_of(cap->kinds, &wait);
	cap->wait = wait;
	if (c->n_charges) {
		capture_look_at_locks(c, th);
		kinds = c->held ? cap->kinds : 0;
	}
	if (!runs_wanted(c, th, cap->kinds))
		return -EAGAIN;
	if ((kinds && read_stack(c, th, call.sp, NULL, want, cap) == -ESRCH) ||
		schedstat_read(th->schedstat_fd, &after) < 0)
		return -ESRCH;
	if (after.runs != before.runs)
		return -EAGAIN;
	cap->kinds = kinds;
	cap->regs = (struct regs){.known = 1u << DWREG_RSP | 1u << DWREG_PC};
	cap->regs.r[DWREG_RSP] = call.sp;
	cap->regs.r[DWREG_PC] = call.pc;
	/* A look that says otherwise is of a later run. */
	th->waiting.runs = before.runs;
	th->waiting.has_stack = 0;
	th->waiting.wait = wait;
	th->waiting.nr = call.nr;
	memcpy(th->waiting.args, call.args, sizeof(call.args));
	return kinds ? 1 : 2;
}

int capture_blocked(struct capturer *c, struct thread *th, uint32_t kinds, int state)
{
	size_t want = stack_wanted(c, th, kinds);
	struct capture *cap = reserve(c, want);
	int result = -EAGAIN;

	if (!cap)
		return -ENOSPC;
	fill(cap, c, th, kinds, state);
	for (int tries = 0; tries < 8 && result == -EAGAIN; tries++) {
		cap->kinds = kinds;
		result = read_blocked(c, th, cap, want);
	}
	if (result != 1)
		return result;
	cap->flags = cap->stack_len == want ? CAPTURE_TAIL_CUT : 0;
	if (c->n_charges) {
		take_charge(c, cap);
	} else {
		cap->contentions = 1;
		cap->wait.flags |= cap->kinds & KIND(PROFILE_MUTEX) ? WAIT_NO_HOLDER : 0;
	}
	set_id(c, th, cap, th->waiting.runs);
	capture_push(c, cap);
	return 1;
}

/* Without a stack. */
static int push_more(struct capturer *c, const struct thread *th, const struct capture_more *more,
	uint32_t flags, enum capture_missing why)
{
	struct capture *cap = reserve(c, 0);

	if (!cap)
		return -ENOSPC;
	fill(cap, c, th, more->kinds, more->state);
	cap->flags = flags;
	cap->missing = why;
	cap->id = flags & CAPTURE_SAME ? th->waiting.id : 0;
	cap->weight = more->weight;
	cap->looks = more->looks;
	cap->contentions = more->contentions;
	cap->wait = more->wait;
	cap->regs = (struct regs){0};
	capture_push(c, cap);
	return 1;
}

struct capture *capture_goroutine(
	struct capturer *c, const struct thread *th, uint64_t id, int state, size_t stack)
{
	struct capture *cap = reserve(c, stack);

	if (!cap)
		return NULL;
	fill(cap, c, th, KIND(PROFILE_GOROUTINE), state);
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
