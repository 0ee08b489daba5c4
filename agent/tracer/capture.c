/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/capture.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/stats.h"

/* How much stack this thread needed so far; the worker's word, so held within bounds. A snapshot
 * has no second try: it takes what there is. */
static size_t stack_wanted(
	const struct capturer *c, const struct thread *th, enum profile_kind kind)
{
	size_t want = atomic_load_explicit(
		&c->ring->page->stack_want[th->serial % RING_WANTS], memory_order_relaxed);

	if (kind == PROFILE_THREADS)
		return LIMIT_STACK_MAX;
	if (!want)
		return LIMIT_STACK_FIRST;
	if (want < LIMIT_STACK_LEAST)
		return LIMIT_STACK_LEAST;
	return want > LIMIT_STACK_MAX ? LIMIT_STACK_MAX : want;
}

static struct capture *reserve(struct capturer *c, size_t stack)
{
	struct capture *cap = ring_reserve(c->ring, sizeof(*cap) + stack);

	if (!cap)
		atomic_fetch_add_explicit(&c->ring->page->dropped, 1, memory_order_relaxed);
	return cap;
}

static void fill(struct capture *cap, const struct capturer *c, const struct thread *th,
	enum profile_kind kind, int state)
{
	cap->kind = kind;
	cap->thread = th->serial;
	cap->process = th->process->number;
	cap->generation = th->process->mappings.generation;
	cap->interval = c->interval;
	cap->flags = 0;
	cap->missing = MISSING_NOT;
	cap->weight = kind == PROFILE_CPU ? th->weight : WEIGHT_ONE;
	cap->state = state;
	cap->time = clock_now();
	cap->stack_base = 0;
	cap->stack_len = 0;
}

static void push(struct capturer *c, const struct capture *cap)
{
	if (cap->kind == PROFILE_CPU)
		c->stats->samples++;
	else
		c->stats->snapshots++;
	ring_commit(c->ring, sizeof(*cap) + cap->stack_len);
}

/* Whether what the thread does at its stop is what it did at the check. A thread in user mode was
 * computing; one in a call was if it has not been put on a CPU again since, or only because we had
 * taken its CPU: then it was computing in the kernel. */
static int was_computing(struct thread *th, const struct user_regs_struct *u)
{
	struct schedstat now;

	if (!regs_in_syscall(u))
		return 1;
	if (regs_was_blocked(u) || schedstat_read(th->schedstat_fd, &now) < 0)
		return 0;
	if (now.runs == th->last.runs)
		return 1;
	th->is_doubtful = 1;
	return th->preempted && now.runs == th->last.runs + 1;
}

/* While the thread is stopped: registers, then stack. Nothing else. */
static enum skip read_stopped(struct capturer *c, struct thread *th, struct capture *cap,
	size_t want, enum profile_kind kind)
{
	struct user_regs_struct u;

	if (tracee_get_regs(&c->tracee, &u) < 0)
		return SKIP_GONE;
	int keep = kind != PROFILE_CPU || was_computing(th, &u);
	long n = 0;
	if (keep)
		n = memory_read_stack(th->tid, u.rsp, cap->stack, want, &cap->stack_base);
	regs_from_user(&cap->regs, &u);
	c->stats->cut_short += regs_in_syscall(&u) && regs_is_cut_short(&u);
	int fails = regs_fails(&u);
	if (regs_repair(&u) && tracee_set_regs(&c->tracee, &u) == 0)
		c->stats->repaired++;
	else
		c->stats->failed += fails;
	cap->stack_len = n > 0 ? n : 0;
	if (!keep)
		return SKIP_BLOCKED;
	return n > 0 ? SKIPS : SKIP_UNREADABLE;
}

/* How long it has waited for a CPU since it was last looked at: most of it before its stop, where
 * more threads than CPUs want to run. Asked after the release, so it costs no pause. */
static uint64_t queued_since_look(const struct thread *th)
{
	struct schedstat now;

	if (schedstat_read(th->schedstat_fd, &now) < 0 || now.queued < th->last.queued)
		return 0;
	return now.queued - th->last.queued;
}

enum skip capture_running(struct capturer *c, struct thread *th, enum profile_kind kind, int state)
{
	size_t want = stack_wanted(c, th, kind);
	struct capture *cap = reserve(c, want);

	if (!cap)
		return SKIP_RING_FULL;
	uint64_t begin = clock_now();
	int error = tracee_stop(&c->tracee, th->tid, th->process->target.pid);
	if (error == -EAGAIN)
		return SKIP_LATE;
	if (error)
		return error == -ESRCH ? SKIP_GONE : SKIP_DENIED;
	fill(cap, c, th, kind, state);
	enum skip skip = read_stopped(c, th, cap, want, kind);
	tracee_release(&c->tracee);
	stats_add_stop(c->stats, clock_now() - begin, queued_since_look(th));
	/* A stack that cannot be read still has its pc: better than nothing, and marked. */
	if (skip != SKIPS && skip != SKIP_UNREADABLE)
		return skip;
	cap->flags = CAPTURE_STOPPED | (cap->stack_len == want ? CAPTURE_TAIL_CUT : 0);
	push(c, cap);
	return SKIPS;
}

/* /proc/PID/syscall: "running", or "NR a0 … a5 SP PC", or "-1 SP PC". 1 blocked, 0 running, -errno.
 */
static int read_sp_pc(const struct thread *th, uint64_t *sp, uint64_t *pc)
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
	if (!strncmp(text, "running", 7))
		return 0;
	char *last = strrchr(text, ' ');
	if (!last)
		return -ESRCH;
	*pc = strtoull(last, NULL, 16);
	*last = '\0';
	last = strrchr(text, ' ');
	*sp = last ? strtoull(last, NULL, 16) : 0;
	return 1;
}

/* One try at a consistent view; 1, 0 running, -EAGAIN it moved, -errno. */
static int read_blocked(struct thread *th, struct capture *cap, size_t want)
{
	struct schedstat before, after;
	uint64_t sp, pc;

	if (schedstat_read(th->schedstat_fd, &before) < 0)
		return -ESRCH;
	int blocked = read_sp_pc(th, &sp, &pc);
	if (blocked <= 0)
		return blocked;
	long n = memory_read_stack(th->tid, sp, cap->stack, want, &cap->stack_base);
	if (n == -ESRCH || schedstat_read(th->schedstat_fd, &after) < 0)
		return -ESRCH;
	if (after.runs != before.runs)
		return -EAGAIN;
	cap->regs = (struct regs){.known = 1u << DWREG_RSP | 1u << DWREG_PC};
	cap->regs.r[DWREG_RSP] = sp;
	cap->regs.r[DWREG_PC] = pc;
	cap->stack_len = n > 0 ? n : 0;
	return 1;
}

int capture_blocked(struct capturer *c, struct thread *th, int state)
{
	size_t want = stack_wanted(c, th, PROFILE_THREADS);
	struct capture *cap = reserve(c, want);
	int result = -EAGAIN;

	if (!cap)
		return -ENOSPC;
	fill(cap, c, th, PROFILE_THREADS, state);
	for (int tries = 0; tries < 8 && result == -EAGAIN; tries++)
		result = read_blocked(th, cap, want);
	if (result != 1)
		return result;
	cap->flags = cap->stack_len == want ? CAPTURE_TAIL_CUT : 0;
	push(c, cap);
	return 1;
}

int capture_missing(
	struct capturer *c, const struct thread *th, int state, enum capture_missing why)
{
	struct capture *cap = reserve(c, 0);

	if (!cap)
		return -ENOSPC;
	fill(cap, c, th, PROFILE_THREADS, state);
	cap->flags = CAPTURE_NO_STACK;
	cap->missing = why;
	cap->regs = (struct regs){0};
	push(c, cap);
	return 1;
}
