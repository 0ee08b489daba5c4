/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/probe/heap.h"
#include "agent/probe/plan.h"
#include "agent/tracer/capture_parts.h"
#include "agent/tracer/clock.h"
#include "base/wire.h"

#define IDS	    8192u /* in one message */
#define PATIENCE_NS 20000000ull

_Static_assert(sizeof(struct tracer_heap) + IDS * sizeof(uint32_t) <= LIMIT_MESSAGE, "it fits");

static int arm(
	struct heap *h, const struct tracer_probe *ask, size_t size, struct probe_refused *why)
{
	struct probe_plan plan;

	*why = (struct probe_refused){.cause = PROBE_CAUSE_MODULE};
	if (plan_make(&plan, h->process, ask, size) < 0)
		return -1;
	return probe_arm(&h->probe, h->process->target.pid, &plan, why);
}

/* A thread that the sampler holds, which has not stopped in time, has a tracer: us. */
static int is_nobody_late(struct capturer *c)
{
	uint64_t until = clock_now() + LIMIT_STOP_GIVEUP_MS * 1000000ull;
	const struct timespec pause = {.tv_nsec = 1000000};

	while (c->tracee.late && tracee_collect(&c->tracee) == -EAGAIN && clock_now() < until)
		nanosleep(&pause, NULL);
	return !c->tracee.late;
}

void heap_begin(struct heap *h, const struct tracer_probe *ask, size_t size, struct roster *roster,
	struct capturer *capturer, void (*beat)(void *arg), void *arg)
{
	struct probe_refused why = {.cause = PROBE_CAUSE_GONE};

	if (h->probe.is_armed)
		return;
	h->capturer = capturer;
	h->kinds = ask->kinds & KINDS_OF_HEAP;
	h->cut = 0;
	h->probe.memory = -1;
	h->probe.remote.beat = beat;
	h->probe.remote.arg = arg;
	h->process = roster->n == 1 ? roster->v[0] : NULL;
	if (h->process && !is_nobody_late(capturer))
		why.cause = PROBE_CAUSE_LATE;
	else if (h->process && h->process->threads.n && arm(h, ask, size, &why) == 0)
		why.cause = PROBE_CAUSE_NONE;
	h->program = h->process ? h->process->start_stack : 0;
	wire_send(h->sock, TRACER_PROBE, &why, sizeof(why), -1);
}

/* The registers that a call keeps, and the stack above the call. */
static void fill(const struct probe_record *r, struct capture *cap)
{
	static const enum reg_number kept[PROBE_REGISTERS] = {[PROBE_RBX] = DWREG_RBX,
		[PROBE_RBP] = DWREG_RBP,
		[PROBE_R12] = DWREG_R12,
		[PROBE_R13] = DWREG_R13,
		[PROBE_R14] = DWREG_R14,
		[PROBE_R15] = DWREG_R15};

	cap->flags = CAPTURE_PARKED | (r->is_cut ? CAPTURE_TAIL_CUT : 0);
	cap->heap = (struct heap_sample){.size = r->size, .id = r->id, .mean = r->mean};
	cap->regs = (struct regs){.known = 1u << DWREG_RSP | 1u << DWREG_PC};
	cap->regs.r[DWREG_RSP] = r->sp;
	cap->regs.r[DWREG_PC] = r->pc;
	for (int i = 0; i < PROBE_REGISTERS; i++) {
		cap->regs.r[kept[i]] = r->registers[i];
		cap->regs.known |= 1u << kept[i];
	}
	cap->stack_base = r->sp;
	cap->stack_len = r->stack_length;
	memcpy(cap->stack, r->stack, r->stack_length);
}

void heap_take(struct heap *h)
{
	const struct probe_record *r;
	struct capture *cap;

	if (!h->probe.is_armed)
		return;
	probe_beat(&h->probe);
	while ((cap = capture_reserve(h->capturer, PROBE_RECORD)) &&
		(r = records_next(&h->probe.records, clock_now()))) {
		if (r->kind == PROBE_KIND_THREAD) {
			probe_tell_stack(&h->probe, r);
			continue;
		}
		h->cut += !!r->is_cut;
		capture_fill(cap, h->capturer, &h->process->threads.v[0], h->kinds, 'R');
		fill(r, cap);
		capture_push(h->capturer, cap);
	}
}

int heap_is_over(const struct heap *h)
{
	if (!h->probe.is_armed)
		return 0;
	return !target_is_alive(&h->process->target) || h->process->start_stack != h->program ||
	       probe_is_off(&h->probe) || process_runs_another(h->process);
}

static void send_ids(
	struct heap *h, const struct tracer_heap *figures, const uint32_t *ids, uint32_t n)
{
	struct tracer_heap part = *figures;

	do {
		part.n = n < IDS ? n : IDS;
		part.is_last = part.n == n;
		wire_send2(
			h->sock, TRACER_HEAP, &part, sizeof(part), ids, part.n * sizeof(*ids), -1);
		ids += part.n;
		n -= part.n;
	} while (!part.is_last);
}

/* All that was recorded up to there; a thread may have been interrupted while it wrote. */
static void take_up_to(struct heap *h, uint64_t head)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t until = clock_now() + PATIENCE_NS;

	heap_take(h);
	while (h->probe.records.tail < head && clock_now() < until) {
		capture_wait_for_room(h->capturer);
		nanosleep(&pause, NULL);
		heap_take(h);
	}
}

/* What is alive, then what was recorded: a pointer gets into the table after its record is whole,
 * so each that is told of as alive is known. The other way round those that live for less than it
 * takes to look would never be seen alive. f says how the probe ended, if it did. */
static void tell(struct heap *h, struct tracer_heap *f)
{
	static uint32_t ids[RECORDS_LIVE];
	const struct records *r = &h->probe.records;
	uint32_t n = records_live(r, ids, RECORDS_LIVE);

	take_up_to(h, RECORDS_FIGURE(r, head));
	f->dropped = RECORDS_FIGURE(r, dropped);
	f->dropped_bytes = RECORDS_FIGURE(r, dropped_bytes);
	f->table_full = RECORDS_FIGURE(r, table_full);
	f->no_slot = RECORDS_FIGURE(r, no_slot);
	f->lost = r->lost;
	f->cut = h->cut;
	f->longest_ns = h->probe.remote.longest;
	f->stops = h->probe.stops;
	ring_wake(h->capturer->ring);
	send_ids(h, f, ids, n);
}

void heap_tell(struct heap *h)
{
	struct tracer_heap f = {.n = 0};

	if (!h->probe.is_armed)
		return;
	heap_take(h);
	tell(h, &f);
}

/* Once it is out nothing changes any more: what was recorded and what is alive belong together. */
void heap_end(struct heap *h)
{
	if (!h->probe.is_armed)
		return;
	struct tracer_heap f = {.is_end = 1};
	heap_take(h);
	f.is_off = probe_is_off(&h->probe);
	is_nobody_late(h->capturer);
	f.left = probe_disarm(&h->probe);
	f.is_gone = h->probe.is_gone;
	tell(h, &f);
	probe_forget(&h->probe);
}
