/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "agent/tracer/call.h"
#include "agent/tracer/capture_parts.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/stats.h"
#include "base/now.h"

/* Those of threads that compute. */
#define COMPUTING (KIND(PROFILE_CPU) | KIND(PROFILE_WALL))

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

/* While the thread is stopped: registers, then stack. Nothing else. */
static enum skip read_stopped(
	struct capturer *c, struct thread *th, struct capture *cap, size_t want, uint32_t kinds)
{
	struct user_regs_struct u;

	if (tracee_get_regs(&c->tracee, &u) < 0)
		return SKIP_GONE;
	/* Who is let go from a stop by job control runs for a moment, until the kernel holds it
	 * again (kernel/ptrace.c: __ptrace_unlink): met in that moment it does not compute. */
	int is_held = c->tracee.is_held;
	int keep = !(kinds & COMPUTING) || (!is_held && was_computing(th, &u));
	regs_from_user(&cap->regs, &u);
	/* Before the target's memory is read, where we may hang and be killed. */
	if (regs_in_syscall(&u)) {
		th->starts_anew |= call_starts_anew(&u);
		call_clean_socket(&u, th->process->target.pidfd);
		tracee_mend_call(&c->tracee, &u);
		count_calls(c);
	}
	capture_look_at_locks(c, th);
	if ((!keep && !(kinds & KIND(PROFILE_WALL))) ||
		(kinds == KIND(PROFILE_MUTEX) && !c->held) || !capture_runs_wanted(c, th, kinds))
		return SKIP_BLOCKED;
	c->has_stack = capture_read_stack(c, th, u.rsp, &u, want, cap) == 0;
	/* One that is on its way out of a call was runnable at the check all the same. */
	if (!keep && regs_in_syscall(&u) && call_was_blocked(&u))
		cap->state = 'S';
	if (is_held)
		cap->state = 'T';
	if (!keep)
		return SKIP_BLOCKED;
	return c->has_stack ? SKIPS : SKIP_UNREADABLE;
}

/* Who did not compute is somewhere all the same, which is what the wall profile asks. */
static int is_of_wall_alone(const struct capturer *c, uint32_t kinds, enum skip skip)
{
	return (skip == SKIP_BLOCKED || skip == SKIP_QUEUED) && (kinds & KIND(PROFILE_WALL)) &&
	       c->has_stack;
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
	size_t want = capture_stack_wanted(c, th, kinds);
	struct capture *cap = capture_reserve(c, want);

	c->has_stack = c->is_on_wall = 0;
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
	capture_fill(cap, c, th, kinds, state);
	enum skip skip = read_stopped(c, th, cap, want, kinds);
	tracee_release(&c->tracee);
	uint64_t queued = look_after(th);
	stats_add_stop(c->stats, clock_now() - begin, queued);
	if (skip == SKIPS && (kinds & COMPUTING) && !was_on_cpu(c, arrived, queued))
		skip = SKIP_QUEUED;
	c->is_on_wall = is_of_wall_alone(c, kinds, skip);
	/* A stack that cannot be read still has its pc: better than nothing, and marked. */
	if (skip == SKIP_UNREADABLE)
		skip = SKIPS;
	if (skip != SKIPS && !c->is_on_wall)
		return skip;
	if (c->is_on_wall) {
		cap->kinds = KIND(PROFILE_WALL);
		cap->state = skip == SKIP_QUEUED ? 'Q' : cap->state;
	}
	cap->flags = CAPTURE_STOPPED | (cap->stack_len == want ? CAPTURE_TAIL_CUT : 0);
	read_code(c, th, cap);
	if (kinds == KIND(PROFILE_MUTEX))
		capture_take_charge(c, cap);
	capture_set_id(c, th, cap, UINT64_MAX);
	capture_push(c, cap);
	return skip;
}

void capture_creator(struct capturer *c, const struct thread *th, size_t want, struct capture *cap)
{
	struct user_regs_struct u;

	capture_fill(cap, c, th, KIND(PROFILE_THREADCREATE), 'R');
	cap->regs = (struct regs){0};
	cap->flags = CAPTURE_NO_STACK;
	cap->missing = c->room < want ? MISSING_ROOM : MISSING_DENIED;
	c->tracee.tid = th->tid;
	if (cap->missing == MISSING_ROOM || tracee_get_regs(&c->tracee, &u) < 0)
		return;
	regs_from_user(&cap->regs, &u);
	capture_read_stack(c, th, u.rsp, &u, want, cap);
	cap->missing = MISSING_NOT;
	cap->flags = CAPTURE_STOPPED | (cap->stack_len == want ? CAPTURE_TAIL_CUT : 0);
}
