/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sum.h"
#include "agent/tracer/stats.h"
#include "base/hash.h"
#include "output/table.h"

struct adding {
	struct interval *sum;
	const struct interval *from;
	struct sum_part part;
	uint32_t *place; /* of each thread of from: in sum; NOWHERE: it is not wanted */
	int is_first;	 /* of the sum's intervals */
	int is_count;
	uint64_t over; /* is_count: ns, for ticks_weight */
	enum profile_kind kind;
	uint64_t received; /* of that kind, of the wanted process */
	uint64_t ends[STACK_ENDS];
};

#define NOWHERE UINT32_MAX

static int is_wanted(const struct adding *a, int32_t pid)
{
	return !a->part.pid || a->part.pid == pid;
}

/* --- threads ------------------------------------------------------------------------------ */

/* All threads of a process that have one name are one. */
static long named_thread(struct interval *sum, const struct thread_info *t)
{
	struct thread_info one = {.pid = t->pid};
	uint32_t key = hash_pair(hash_bytes(t->name, strlen(t->name)), t->pid);

	memcpy(one.name, t->name, sizeof(one.name));
	for (;; key++) {
		long found = interval_find(sum, key);
		if (found < 0)
			return interval_thread(sum, key, &one);
		const struct thread_info *have = &sum->threads[found];
		if (have->pid == one.pid && !strcmp(have->name, one.name))
			return found;
	}
}

static int add_threads(struct adding *a)
{
	const struct interval *from = a->from;

	for (uint32_t t = 0; t < from->n_threads; t++) {
		const struct thread_info *info = &from->threads[t];
		a->place[t] = NOWHERE;
		if (!is_wanted(a, info->pid))
			continue;
		long at = a->is_count ? named_thread(a->sum, info)
				      : interval_thread(a->sum, from->keys[t], info);
		if (at < 0)
			return at;
		struct thread_info *to = &a->sum->threads[at];
		to->cpu += info->cpu;
		memcpy(to->name, info->name, sizeof(to->name));
		if (!a->is_count)
			interval_set_life(a->sum, at, info->life);
		a->place[t] = at;
	}
	return 0;
}

/* --- stacks ------------------------------------------------------------------------------- */

static void count_end(struct adding *a, const struct table_entry *e)
{
	const struct frame *root = &e->frames[e->n - 1];
	int is_end = e->n && !root->module && root->offset < PSEUDO_END + STACK_ENDS;
	int is_missing = e->n && !root->module && root->offset >= PSEUDO_MISSING &&
			 root->offset < PSEUDO_MISSING + MISSING_REASONS;

	a->received += e->count;
	a->ends[is_end	     ? root->offset - PSEUDO_END
		: is_missing ? STACK_NOT_READ
			     : STACK_DONE] += e->count;
}

static uint64_t in_ns(const struct adding *a, uint64_t weight)
{
	uint64_t ticks = a->from->stats.ticks_weight;

	return ticks ? (unsigned __int128)weight * a->over / ticks : 0;
}

static int add_entry(void *arg, const struct table_entry *e)
{
	struct adding *a = arg;
	struct table_entry to = *e;

	if (a->place[e->thread] == NOWHERE)
		return 0;
	to.thread = a->place[e->thread];
	to.count += a->is_first ? e->again : 0;
	to.again = 0;
	if (a->is_count)
		to.weight = in_ns(a, e->weight);
	if (a->part.is_less) {
		to.count = -to.count;
		to.weight = -to.weight;
	}
	if (a->part.pid)
		count_end(a, e);
	return table_copy_entry(a->sum->tables[a->kind], &to);
}

/* Captures that brought nothing cannot be told to be of one process: they are said of each. */
static void count_received(struct adding *a)
{
	const struct interval *from = a->from;
	uint64_t lost = interval_lost(from, a->kind);

	for (int end = 0; end < STACK_ENDS; end++)
		a->sum->ends[a->kind][end] += a->part.pid ? a->ends[end] : from->ends[a->kind][end];
	if (!a->part.pid)
		a->received = from->received[a->kind];
	a->sum->received[a->kind] += a->received;
	/* All captures were added to the sum's figures before. */
	a->sum->stats.captured[a->kind] += a->received + lost - from->stats.captured[a->kind];
}

static int add_tables(struct adding *a)
{
	int error = 0;

	for (int kind = 0; kind < PROFILE_KINDS && !error; kind++) {
		if (!(a->part.kinds & KIND(kind))) {
			a->sum->stats.captured[kind] -= a->from->stats.captured[kind];
			continue;
		}
		a->kind = kind;
		a->received = 0;
		memset(a->ends, 0, sizeof(a->ends));
		error = table_each(a->from->tables[kind], add_entry, a);
		count_received(a);
	}
	return error;
}

/* --- figures ------------------------------------------------------------------------------ */

/* CPU time of descendants that ended unseen is of no process that we know. */
static int add_clocks(struct adding *a)
{
	const struct interval *from = a->from;
	int error = 0;

	if (!a->part.pid) {
		a->sum->clock += from->clock;
		a->sum->left_out += from->left_out;
		a->sum->has_left_out |= from->has_left_out;
		a->sum->threads_ended += from->threads_ended;
		return 0;
	}
	a->sum->has_left_out |= from->has_left_out;
	for (uint32_t i = 0; i < from->n_processes && !error; i++) {
		const struct process_clock *p = &from->processes[i];
		if (p->pid == a->part.pid)
			error = interval_add_process(a->sum, p->pid, p->clock, p->threads_ended);
	}
	return error;
}

static int add_figures(struct adding *a)
{
	const struct interval *from = a->from;
	struct interval *sum = a->sum;

	if (!sum->ended) {
		sum->number = from->number;
		sum->began = from->began;
		sum->wall_began = from->wall_began;
	}
	sum->ended = from->ended;
	sum->guessed += from->guessed;
	stats_add(&sum->stats, &from->stats);
	if (a->is_count)
		sum->stats.ticks_weight += a->over - from->stats.ticks_weight;
	stats_add_creations(&sum->creations, &from->creations);
	return add_clocks(a);
}

static int add(struct adding *a)
{
	a->place = malloc((a->from->n_threads + 1) * sizeof(*a->place));
	int error = a->place ? add_figures(a) : -ENOMEM;

	if (!error)
		error = add_threads(a);
	if (!error)
		error = add_tables(a);
	free(a->place);
	return error;
}

int sum_add(struct interval *sum, const struct interval *from, const struct sum_part *part)
{
	struct adding a = {.sum = sum, .from = from, .part = *part, .is_first = !sum->ended};

	return add(&a);
}

int sum_count(struct interval *sum, const struct interval *from, uint32_t kinds, uint64_t over)
{
	struct adding a = {
		.sum = sum, .from = from, .part.kinds = kinds, .is_count = 1, .over = over};

	return add(&a);
}
