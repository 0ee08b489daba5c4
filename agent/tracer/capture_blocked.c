/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/capture_parts.h"
#include "agent/tracer/kernel_names.h"
#include "agent/tracer/regs.h"

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

/* How many functions of the kernel it is in: c->in_kernel. */
static uint32_t read_kernel(struct capturer *c, const struct thread *th)
{
	if (!c->kernel)
		return 0;
	return kernel_names_read(c->kernel, &th->process->target, th->tid, c->in_kernel);
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
	if (!capture_runs_wanted(c, th, cap->kinds))
		return -EAGAIN;
	if (kinds && capture_read_stack(c, th, call.sp, NULL, want, cap) == -ESRCH)
		return -ESRCH;
	cap->n_kernel = kinds ? read_kernel(c, th) : 0;
	if (schedstat_read(th->schedstat_fd, &after) < 0)
		return -ESRCH;
	if (after.runs != before.runs)
		return -EAGAIN;
	cap->kinds = kinds;
	regs_from_call(&cap->regs, &call);
	/* A look that says otherwise is of a later run. */
	th->waiting.runs = before.runs;
	th->waiting.is_again =
		th->waiting.counted_before == before.runs && th->waiting.counted != before.runs;
	th->waiting.is_new = th->waiting.counted != before.runs && !th->waiting.is_again;
	if (kinds & (KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX)))
		th->waiting.counted = before.runs;
	th->waiting.has_stack = 0;
	th->waiting.wait = wait;
	th->waiting.state = cap->state;
	th->waiting.nr = call.nr;
	memcpy(th->waiting.args, call.args, sizeof(call.args));
	return kinds ? 1 : 2;
}

int capture_blocked(struct capturer *c, struct thread *th, uint32_t kinds, int state)
{
	size_t want = capture_stack_wanted(c, th, kinds);
	struct capture *cap = capture_reserve(c, want);
	int result = -EAGAIN;

	if (!cap)
		return -ENOSPC;
	capture_fill(cap, c, th, kinds, state);
	for (int tries = 0; tries < 8 && result == -EAGAIN; tries++) {
		cap->kinds = kinds;
		result = read_blocked(c, th, cap, want);
	}
	if (result != 1)
		return result;
	cap->flags = cap->stack_len == want ? CAPTURE_TAIL_CUT : 0;
	c->stats->kernel_unread += c->kernel && !cap->n_kernel;
	if (c->n_charges) {
		capture_take_charge(c, cap);
	} else {
		cap->contentions = th->waiting.is_new;
		cap->again = th->waiting.is_again;
		cap->wait.flags |= cap->kinds & KIND(PROFILE_MUTEX) ? WAIT_NO_HOLDER : 0;
	}
	capture_set_id(c, th, cap, th->waiting.runs);
	capture_push(c, cap);
	return 1;
}
