/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one set of profiles is made of: the whole run, or one of the intervals that it is cut into.
 *
 * An interval is open while the tracer takes captures for it; closing fixes the figures. Stacks of
 * captures that were on their way still come in afterwards, until the worker has unwound them all.
 */
#ifndef AGENT_INTERVAL_H
#define AGENT_INTERVAL_H

#include "base/index.h"
#include "base/message.h"

struct table;

struct interval {
	uint32_t number;
	struct thread_info *threads; /* those with a stack or CPU time in it */
	uint32_t *keys;		     /* of each: what it is known by outside */
	uint32_t n_threads, threads_room, keys_room;
	struct index by_key;

	struct table *tables[PROFILE_KINDS];
	uint64_t received[PROFILE_KINDS];
	uint64_t ends[PROFILE_KINDS][STACK_ENDS];
	/* What the entries of the heap profiles' tables stand for; not of the interval alone, but
	 * since the probe went in (agent/heap_record.h). */
	struct heap_site *sites;
	uint32_t n_sites;
	int all_is_change, live_is_change; /* only what came in the interval, less what went */
	uint64_t samples_lost;		   /* captures that brought none, samples without room */
	struct tracer_heap heap;
	uint64_t guessed;	/* stacks with a guessed frame */
	uint32_t threads_ended; /* in it */
	struct process_clock {
		int32_t pid;
		uint32_t threads_ended;
		uint64_t clock;
	} * processes; /* closed: those that used CPU time */
	uint32_t n_processes, processes_room;
	struct tracer_stats stats; /* open: as of its begin; closed: what was counted in it */
	struct tracer_creations creations;
	uint64_t clock;	       /* closed: CPU time by the clocks of the processes */
	uint64_t left_out;     /* of that, of threads whose names are not asked for */
	int has_left_out;      /* there were some */
	uint64_t began, ended; /* CLOCK_MONOTONIC; ended 0: open */
	uint64_t wall_began;   /* CLOCK_REALTIME */
	int is_torn;	       /* a tracer ended in it: a look at all threads may not be whole */
};

int interval_init(struct interval *i, uint32_t number); /* 0 or -ENOMEM */
void interval_fini(struct interval *i);

/* The index of the thread with that key, or -1. */
long interval_find(const struct interval *i, uint32_t key);

/* The same, added with its identity where it is new; or -errno. */
long interval_thread(struct interval *i, uint32_t key, const struct thread_info *info);

/* Of the thread at that index: enum thread_life, added to what is known of it. */
void interval_set_life(struct interval *i, uint32_t thread, uint32_t life);

/* CPU time of a process, which also counts in clock. 0 or -errno. */
int interval_add_process(struct interval *i, int32_t pid, uint64_t clock, uint32_t threads_ended);

/* The stack of w, with a frame that says why where none was read; its own until the next call. */
const struct stack *interval_stack_of(const struct worker_stack *w, const struct frame *frames);

/* Into the tables of all kinds of w, but for the heap profiles, of which it only counts. frames:
 * w->n of them, checked. 0 or -errno. */
int interval_add_stack(struct interval *i, const struct worker_stack *w, const struct frame *frames,
	uint32_t thread);

/* CPU time of the threads that were seen, and of those that ended before they were last looked at
 * (0 where threads are left out), in ns. Of a closed interval. */
uint64_t interval_threads_cpu(const struct interval *i);
uint64_t interval_ended_cpu(const struct interval *i);

/* Of kinds, the one to show where only one is: the first that anything came of. */
enum profile_kind interval_main_kind(const struct interval *i, uint32_t kinds);

/* Captures of a kind that no stack came of; ticks a second that were really taken. */
uint64_t interval_lost(const struct interval *i, enum profile_kind kind);
double interval_rate(const struct interval *i);

#endif
