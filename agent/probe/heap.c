/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/probe/heap.h"
#include "agent/probe/plan.h"
#include "agent/tracer/capture_parts.h"
#include "base/now.h"
#include "base/wire.h"

#define IDS	    8192u	  /* in one message */
#define PATIENCE_NS 20000000ull	  /* with records that are not ended */
#define LAST_NS	    2000000000ull /* the same at the end: more than with one alone */
#define ALL_NS	    4000000000ull /* for all of them, if they come ever so slowly */
/* How long another exec of a command is waited for, and for how much of its CPU time where its main
 * thread is to be sampled, which cannot be done meanwhile. */
#define FOLLOW_NS     1000000000ull
#define FOLLOW_CPU_NS 20000000ull

#define LOOK_NS 10000000ull
#define BUSY_NS 1000000ull

_Static_assert(sizeof(struct tracer_heap) + IDS * sizeof(uint32_t) <= LIMIT_MESSAGE, "it fits");

static int arm(
	struct heap *h, const struct tracer_probe *ask, size_t size, struct probe_refused *why)
{
	struct probe_plan plan;

	*why = (struct probe_refused){.cause = PROBE_CAUSE_MODULE};
	/* They were read a while ago. */
	process_read_maps(h->process);
	if (plan_make(&plan, h->process, ask, size) < 0)
		return -1;
	return probe_arm(&h->probe, h->process->target.pid, &plan, why);
}

void heap_begin(struct heap *h, const struct tracer_probe *ask, size_t size, struct roster *roster,
	struct capturer *capturer, struct hold *hold, void (*beat)(void *arg), void *arg)
{
	struct probe_refused why = {.cause = PROBE_CAUSE_GONE};

	if (h->probe.is_armed)
		return;
	/* It could not be stopped once more. */
	tracee_settle(&capturer->tracee);
	h->capturer = capturer;
	h->hold = hold;
	h->kinds = ask->kinds & KINDS_OF_HEAP;
	h->cut = 0;
	h->probe.memory = -1;
	h->probe.remote.held = hold_thread(hold);
	h->probe.remote.held_ends = !hold->has_begun;
	h->probe.remote.kept = 0;
	h->probe.remote.beat = beat;
	h->probe.remote.arg = arg;
	h->process = roster->n == 1 ? roster->v[0] : NULL;
	if (h->process && capturer->tracee.late) {
		why.cause = PROBE_CAUSE_LATE;
	} else if (h->process && h->process->threads.n && arm(h, ask, size, &why) == 0) {
		why.cause = PROBE_CAUSE_NONE;
		h->process->mappings.probe = h->probe.base;
	}
	h->program = h->process ? h->process->start_stack : 0;
	pressure_begin(&h->pressure, ask->mean);
	if (hold_is_on(hold) && h->probe.is_armed)
		hold_follow(hold, FOLLOW_NS,
			capturer->asked & KINDS_OF_TICKS ? FOLLOW_CPU_NS : FOLLOW_NS);
	else if (hold_is_on(hold))
		hold_give_up(hold);
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

static void beat(const struct heap *h)
{
	if (h->probe.remote.beat)
		h->probe.remote.beat(h->probe.remote.arg);
}

void heap_take(struct heap *h)
{
	const struct probe_record *r;
	struct capture *cap;

	if (!h->probe.is_armed)
		return;
	probe_beat(&h->probe);
	h->taken = 0;
	/* What the target writes itself may never end. */
	for (uint32_t i = 0;
		i < 2 * PROBE_RECORDS && (cap = capture_reserve(h->capturer, PROBE_RECORD)) &&
		(r = records_next(&h->probe.records, clock_now()));
		i++) {
		if (r->kind == PROBE_KIND_THREAD) {
			probe_tell_stack(&h->probe, r);
			beat(h);
			continue;
		}
		h->taken++;
		h->cut += !!r->is_cut;
		capture_fill(cap, h->capturer, &h->process->threads.v[0], h->kinds, 'R');
		fill(r, cap);
		capture_push(h->capturer, cap);
	}
	pressure_look(&h->pressure, &h->probe, clock_now());
}

/* The ring is not to be full before the next look. */
uint64_t heap_patience(const struct heap *h, uint64_t most)
{
	uint64_t wait = h->taken > PROBE_RECORDS / 16 ? BUSY_NS : LOOK_NS;

	return !h->probe.is_armed || most < wait ? most : wait;
}

int heap_is_over(const struct heap *h)
{
	if (!h->probe.is_armed)
		return 0;
	if (!target_is_alive(&h->process->target) || probe_is_off(&h->probe))
		return 1;
	/* Of a command that is followed, another program is held and has a probe of its own. */
	return h->hold->state != HOLD_FOLLOWS &&
	       (h->process->start_stack != h->program || process_runs_another(h->process));
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

/* To the sums of the programs before, those of this one. */
static void add_up(const struct heap *h, struct tracer_heap *f)
{
	const struct records *r = &h->probe.records;

	f->dropped += h->pressure.dropped;
	f->dropped_bytes += h->pressure.dropped_bytes;
	f->dropped_weight += h->pressure.lost.bytes;
	f->dropped_variance += h->pressure.lost.variance;
	f->table_full += h->pressure.table_full;
	f->no_slot += h->pressure.no_slot;
	f->lost += r->lost + h->pressure.is_damaged;
	if (h->pressure.mean > f->mean)
		f->mean = h->pressure.mean;
}

/* Records that were whole. */
static uint64_t came(const struct records *r)
{
	return r->tail - r->lost;
}

/* All that is recorded by now, as long as it gets on: a thread may have been interrupted while it
 * wrote, and the worker may have much to do. How many are left. */
static uint64_t take_all(struct heap *h, uint64_t patience)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	const struct records *r = &h->probe.records;
	uint64_t head = RECORDS_FIGURE(r, head), before = came(r), began = clock_now();
	uint64_t now = began, since = began;

	/* The target can write what it likes there. */
	if (head > r->tail + PROBE_RECORDS)
		head = r->tail + PROBE_RECORDS;
	heap_take(h);
	while (r->tail < head && now - since < patience && now - began < ALL_NS) {
		capture_wait_for_room(h->capturer);
		nanosleep(&pause, NULL);
		beat(h);
		heap_take(h);
		now = clock_now();
		if (came(r) != before) {
			before = came(r);
			since = now;
		}
	}
	return r->tail < head ? head - r->tail : 0;
}

static void forget(struct heap *h)
{
	probe_forget(&h->probe);
	h->process->mappings.probe = 0;
}

static void next_program(struct heap *h)
{
	if (!h->probe.is_armed)
		return;
	h->probe.records.is_over = 1;
	h->past.lost += take_all(h, LAST_NS);
	add_up(h, &h->past);
	h->past.programs++;
	h->probe.first_id = RECORDS_FIGURE(&h->probe.records, next_id);
	forget(h);
}

/* What was recorded is taken before the new mappings are read: it is of the old ones. */
void heap_attend(struct heap *h, struct hold *hold)
{
	pid_t late = hold_look(hold);

	if (late)
		remote_expect(&h->probe.remote, late);
	if (!hold->is_new)
		return;
	next_program(h);
	hold_tell(hold);
}

/* What is alive, then what was recorded: a pointer gets into the table after its record is whole,
 * so each that is told of as alive is known. The other way round those that live for less than it
 * takes to look would never be seen alive. how: what is to be said of the probe's end. */
static void tell(struct heap *h, const struct tracer_heap *how)
{
	static uint32_t ids[RECORDS_LIVE];
	uint32_t n = records_live(&h->probe.records, ids, RECORDS_LIVE);
	struct tracer_heap f = h->past;

	uint64_t left = take_all(h, how->is_end ? LAST_NS : PATIENCE_NS);
	add_up(h, &f);
	f.lost += how->is_end ? left : 0;
	f.cut = h->cut;
	f.longest_ns = h->probe.remote.longest;
	f.stops = h->probe.stops;
	f.left = how->left;
	f.is_gone = how->is_gone;
	f.is_end = how->is_end;
	f.is_off = how->is_off;
	ring_wake(h->capturer->ring);
	send_ids(h, &f, ids, n);
}

void heap_tell(struct heap *h)
{
	const struct tracer_heap goes_on = {.n = 0};

	if (!h->probe.is_armed)
		return;
	heap_take(h);
	tell(h, &goes_on);
}

/* Once it is out nothing changes any more: what was recorded and what is alive belong together. */
void heap_end(struct heap *h)
{
	if (!h->probe.is_armed)
		return;
	heap_take(h);
	struct tracer_heap how = {.is_end = 1, .is_off = probe_is_off(&h->probe)};
	tracee_settle(&h->capturer->tracee);
	how.left = probe_disarm(&h->probe);
	how.is_gone = h->probe.is_gone;
	/* Nobody is in it. */
	h->probe.records.is_over = how.left == 0;
	tell(h, &how);
	forget(h);
	h->past = (struct tracer_heap){0};
	h->probe.first_id = 0;
}
