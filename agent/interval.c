/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/interval.h"
#include "base/hash.h"
#include "base/list.h"
#include "output/table.h"

int interval_init(struct interval *i, uint32_t number)
{
	*i = (struct interval){.number = number};
	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		i->tables[kind] = table_new();
		if (!i->tables[kind])
			return -ENOMEM;
	}
	return 0;
}

void interval_fini(struct interval *i)
{
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		table_free(i->tables[kind]);
	free(i->threads);
	free(i->keys);
	free(i->processes);
	free(i->sites);
	index_fini(&i->by_key);
	memset(i, 0, sizeof(*i));
}

struct wanted_key {
	const struct interval *interval;
	uint32_t key;
};

static int is_key(const void *arg, uint32_t position)
{
	const struct wanted_key *w = arg;

	return w->interval->keys[position] == w->key;
}

long interval_find(const struct interval *i, uint32_t key)
{
	struct wanted_key wanted = {i, key};

	return index_find(&i->by_key, hash_u64(key), is_key, &wanted);
}

long interval_thread(struct interval *i, uint32_t key, const struct thread_info *info)
{
	long found = interval_find(i, key);

	if (found >= 0)
		return found;
	int error = list_room(&i->threads, i->n_threads, 1, &i->threads_room, sizeof(*i->threads),
		64 * LIMIT_THREADS);
	if (!error)
		error = list_room(&i->keys, i->n_threads, 1, &i->keys_room, sizeof(*i->keys),
			64 * LIMIT_THREADS);
	if (!error)
		error = index_add(&i->by_key, hash_u64(key), i->n_threads);
	if (error)
		return error;
	i->threads[i->n_threads] = *info;
	i->threads[i->n_threads].cpu = 0;
	i->threads[i->n_threads].is_brief = i->threads[i->n_threads].life = 0;
	i->keys[i->n_threads] = key;
	return i->n_threads++;
}

void interval_set_life(struct interval *i, uint32_t thread, uint32_t life)
{
	struct thread_info *t = &i->threads[thread];

	t->life |= life;
	t->is_brief = t->life == (LIFE_BEGAN | LIFE_ENDED);
}

int interval_add_process(struct interval *i, int32_t pid, uint64_t clock, uint32_t threads_ended)
{
	struct process_clock *last = i->n_processes ? &i->processes[i->n_processes - 1] : NULL;

	/* A sum of one process meets it in each interval. */
	if (last && last->pid == pid) {
		last->clock += clock;
		last->threads_ended += threads_ended;
		i->clock += clock;
		i->threads_ended += threads_ended;
		return 0;
	}
	int error = clock || threads_ended
			    ? list_room(&i->processes, i->n_processes, 1, &i->processes_room,
				      sizeof(*i->processes), 64 * LIMIT_PROCESSES)
			    : 0;

	if (error || (!clock && !threads_ended))
		return error;
	i->processes[i->n_processes++] = (struct process_clock){pid, threads_ended, clock};
	i->clock += clock;
	i->threads_ended += threads_ended;
	return 0;
}

/* What counts in a profile of that kind: a look, or a wait that began. */
static struct table_entry entry_of(
	const struct worker_stack *w, enum profile_kind kind, uint32_t thread)
{
	struct table_entry e = {.thread = thread, .count = w->looks, .weight = w->weight};

	if (kind == PROFILE_THREADS || kind == PROFILE_WALL || kind == PROFILE_GOROUTINE)
		e.state = w->state;
	e.goroutine = w->goroutine;
	if (kind == PROFILE_BLOCK || kind == PROFILE_MUTEX) {
		e.count = w->contentions;
		e.again = w->again;
		e.wait = w->wait.kind;
		e.lock = w->wait.lock;
		if (kind == PROFILE_MUTEX)
			e.flags = w->wait.flags;
	}
	return e;
}

const struct stack *interval_stack_of(const struct worker_stack *w, const struct frame *frames)
{
	static struct stack stack;

	stack.n = w->n;
	stack.end = w->end;
	if (w->n)
		memcpy(stack.v, frames, w->n * sizeof(*frames));
	if (w->end == STACK_NOT_READ) {
		stack.n = 1;
		stack.v[0] = (struct frame){PSEUDO_MISSING + w->missing, 0, 0};
	}
	return &stack;
}

int interval_add_stack(struct interval *i, const struct worker_stack *w, const struct frame *frames,
	uint32_t thread)
{
	const struct stack *stack = interval_stack_of(w, frames);
	uint32_t guessed = 0;
	int error = 0;

	for (uint32_t f = 0; f < w->n; f++)
		guessed |= frames[f].flags & FRAME_GUESSED;
	i->guessed += !!guessed;
	for (int kind = 0; kind < PROFILE_KINDS && !error; kind++) {
		if (!(w->kinds & KIND(kind)))
			continue;
		struct table_entry what = entry_of(w, kind, thread);
		i->received[kind]++;
		i->ends[kind][w->end]++;
		if (KIND(kind) & KINDS_OF_LOOK)
			error = table_add_entry(i->tables[kind], stack, &what);
	}
	return error;
}

uint64_t interval_threads_cpu(const struct interval *i)
{
	uint64_t sum = 0;

	for (uint32_t t = 0; t < i->n_threads; t++)
		sum += i->threads[t].cpu;
	return sum;
}

uint64_t interval_ended_cpu(const struct interval *i)
{
	const uint64_t slack = 20000000;
	uint64_t all = i->clock, seen = interval_threads_cpu(i);

	/* Nobody knows what they were called. */
	if (i->has_left_out)
		return 0;

	/* Without ended threads a small difference is only the time between two reads; a large one
	 * is of threads that came and went between two listings. */
	return all > seen && (i->threads_ended || all - seen > slack) ? all - seen : 0;
}

uint64_t interval_lost(const struct interval *i, enum profile_kind kind)
{
	const struct tracer_stats *t = &i->stats;
	uint64_t sent = t->captured[kind];

	return sent > i->received[kind] ? sent - i->received[kind] : 0;
}

double interval_rate(const struct interval *i)
{
	return i->ended > i->began ? i->stats.ticks / ((i->ended - i->began) / 1e9) : 0;
}

enum profile_kind interval_main_kind(const struct interval *i, uint32_t kinds)
{
	static const enum profile_kind order[PROFILE_KINDS] = {PROFILE_CPU, PROFILE_WALL,
		PROFILE_HEAP, PROFILE_ALLOCS, PROFILE_MUTEX, PROFILE_BLOCK, PROFILE_THREADCREATE,
		PROFILE_GOROUTINE, PROFILE_THREADS};
	int first = -1;

	for (int at = PROFILE_KINDS; at-- > 0;)
		if (kinds & KIND(order[at]))
			first = order[at];
	for (int at = 0; at < PROFILE_KINDS; at++)
		if ((kinds & KIND(order[at])) && i->received[order[at]])
			return order[at];
	return first;
}
