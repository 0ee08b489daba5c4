/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "agent/tracer/attached.h"
#include "agent/tracer/hold.h"
#include "agent/tracer/ignored.h"
#include "agent/tracer/memory.h"
#include "base/now.h"
#include "base/wire.h"

#define AUXV_MAX 4096u
#define END_NS                                                                                     \
	300000000ull /* for its stop, when it is let go: less than may pass without a beat         \
		      */

static void tell(struct hold *h, enum held_at at, int error)
{
	struct tracer_held held = {.at = at, .error = error};

	wire_send(h->sock, TRACER_HELD, &held, sizeof(held), -1);
}

int hold_begin(struct hold *h, struct process *p, int sock)
{
	int error = attached_seize_command(p->target.pid);

	*h = (struct hold){.process = p, .sock = sock};
	h->state = error ? HOLD_NONE : HOLD_WAITS;
	return error;
}

/* The right time to stop there: a loader comes by before it has loaded anything, too. */
static int is_time(const struct hold *h)
{
	uint32_t state = 0;

	return !h->state_at ||
	       memory_read(h->process->target.pid, h->state_at, &state, sizeof(state)) !=
		       sizeof(state) ||
	       state == RT_CONSISTENT;
}

static void stay(struct hold *h, enum held_at at)
{
	attached_break_at(h->process->target.pid, 0, 0);
	h->state = HOLD_STOPPED;
	process_read_maps(h->process);
	tell(h, at, 0);
}

static void on_trap(struct hold *h)
{
	pid_t pid = h->process->target.pid;
	uint64_t pc = attached_pc(pid);

	if (h->stop && pc == h->stop && is_time(h))
		stay(h, HELD_READY);
	else if (h->entry && pc == h->entry)
		stay(h, h->is_static ? HELD_READY : HELD_ENTRY);
	else
		attached_go_on(pid, pc && (pc == h->stop) ? 0 : SIGTRAP);
}

static void pass_on(const struct attached_stop *stop)
{
	struct tracee_calls calls;

	ignored_mend(stop->tid, stop->signal, &calls);
	attached_go_on(stop->tid, stop->signal);
}

static void on_event(struct hold *h, const struct attached_stop *stop)
{
	switch (stop->event) {
	case ATTACHED_END:
		h->state = HOLD_NONE;
		break;
	case ATTACHED_EXEC:
		if (h->state == HOLD_RUNS) {
			attached_go_on(stop->tid, 0);
			break;
		}
		h->state = HOLD_STOPPED;
		h->is_new = 1;
		break;
	case ATTACHED_GROUP:
		attached_stay(stop->tid);
		break;
	case ATTACHED_SIGNAL:
		if (stop->signal == SIGTRAP && h->state == HOLD_RUNS)
			on_trap(h);
		else
			pass_on(stop);
		break;
	default:
		attached_go_on(stop->tid, 0);
	}
}

pid_t hold_look(struct hold *h)
{
	struct attached_stop stop;

	while (h->state != HOLD_NONE && !h->is_new &&
		attached_next_of(h->process->target.pid, &stop) == 1)
		on_event(h, &stop);
	if (h->state != HOLD_NONE && !target_is_alive(&h->process->target))
		h->state = HOLD_NONE;
	if (h->state == HOLD_FOLLOWS &&
		(clock_now() > h->until || target_clock(&h->process->target) > h->until_cpu))
		return hold_end(h);
	return 0;
}

void hold_tell(struct hold *h)
{
	h->is_new = 0;
	process_read_again(h->process, clock_now());
	tell(h, HELD_BEGIN, 0);
}

/* What the kernel has told the program of itself: a value by its type, 0 if there is none. */
static uint64_t auxiliary(const struct buf *auxv, uint64_t type)
{
	Elf64_auxv_t v;

	for (size_t at = 0; at + sizeof(v) <= auxv->len; at += sizeof(v)) {
		memcpy(&v, auxv->data + at, sizeof(v));
		if (v.a_type == type)
			return v.a_un.a_val;
	}
	return 0;
}

static void find_points(struct hold *h, const struct tracer_run *run)
{
	const struct process *p = h->process;
	const struct maps_line *l = mappings_of(&p->mappings, run->number, run->stop.offset);
	struct buf auxv;

	h->stop = l ? l->start + (run->stop.offset - l->offset) : 0;
	h->state_at = h->stop && run->stop.state ? h->stop + run->stop.state : 0;
	buf_init(&auxv, AUXV_MAX);
	if (target_read_file(&p->target, p->target.pid, "auxv", &auxv) == 0) {
		h->is_static = !auxiliary(&auxv, AT_BASE);
		h->entry = auxiliary(&auxv, AT_ENTRY);
	}
	buf_fini(&auxv);
	/* The loader as the program: its own entry point comes first. */
	if (h->stop && h->is_static)
		h->entry = 0;
}

void hold_run(struct hold *h, const struct tracer_run *run)
{
	pid_t pid = hold_thread(h);

	if (!pid)
		return;
	find_points(h, run);
	int error = h->stop || h->entry ? attached_break_at(pid, h->stop, h->entry) : -ENOENT;
	if (error) {
		tell(h, HELD_FAILED, -error);
		return;
	}
	h->state = HOLD_RUNS;
	attached_go_on(pid, 0);
}

pid_t hold_thread(const struct hold *h)
{
	return h->state == HOLD_STOPPED ? h->process->target.pid : 0;
}

int hold_is_on(const struct hold *h)
{
	return h->state != HOLD_NONE && h->state != HOLD_FOLLOWS;
}

void hold_follow(struct hold *h, uint64_t ns, uint64_t cpu_ns)
{
	h->state = HOLD_FOLLOWS;
	h->has_begun = 1;
	h->until = clock_now() + ns;
	h->until_cpu = target_clock(&h->process->target) + cpu_ns;
	attached_follow(h->process->target.pid);
}

/* The thread is in a stop. */
static void let_go(struct hold *h)
{
	struct tracee t = {.tid = h->process->target.pid};
	struct user_regs_struct u;

	attached_break_at(t.tid, 0, 0);
	if (tracee_get_regs(&t, &u) == 0)
		tracee_mend_call(&t, &u);
	attached_let_go(t.tid);
}

/* A detach wants a stop, and a signal that comes first is the program's, but for those of our own
 * breakpoints. 1 it is in a stop; 0 not yet; -1 it has ended. */
static int reach_stop(struct hold *h)
{
	const struct timespec pause = {.tv_nsec = HOLD_LOOK_NS / 10};
	const uint64_t until = clock_now() + END_NS;
	struct attached_stop stop;

	attached_interrupt(h->process->target.pid);
	while (clock_now() < until) {
		int got = attached_next_of(h->process->target.pid, &stop);
		int is_signal = got > 0 && stop.event == ATTACHED_SIGNAL;
		int is_ours = is_signal && stop.signal == SIGTRAP && h->state == HOLD_RUNS;
		if (got < 0 || (got && stop.event == ATTACHED_END))
			return -1;
		if (got && (!is_signal || is_ours))
			return 1;
		if (is_signal)
			pass_on(&stop);
		else
			nanosleep(&pause, NULL);
	}
	return 0;
}

pid_t hold_end(struct hold *h)
{
	if (h->state == HOLD_NONE)
		return 0;
	int stopped = h->state == HOLD_STOPPED ? 1 : reach_stop(h);
	h->state = HOLD_NONE;
	if (stopped > 0)
		let_go(h);
	return stopped ? 0 : h->process->target.pid;
}

void hold_give_up(struct hold *h)
{
	if (h->has_begun) {
		hold_end(h);
		return;
	}
	kill(h->process->target.pid, SIGKILL);
	h->state = HOLD_NONE;
}
