/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One tick: which threads are on a CPU now, and a capture of each; for the wall, block and mutex
 * profiles also what the others wait for (waiters.h).
 *
 * Threads that ran lately are looked at in each tick, the others in turn; of many only some, by
 * chance. The weight of a capture is one over the chance that its thread was looked at. When more
 * threads are runnable than the target can have on CPUs, only that many are taken, at random among
 * those that are on one: a thread in the run queue cannot reach its stop, and we do not line up
 * behind it.
 */
#ifndef TRACER_SAMPLER_H
#define TRACER_SAMPLER_H

#include "agent/tracer/clock.h"
#include "agent/tracer/cpus.h"
#include "agent/tracer/waiters.h"

struct sampler {
	struct capturer capturer;
	struct process *const *processes; /* the caller's; see sampler_prepare */
	uint32_t n_processes;
	struct clock *clock;
	int (*read_changed)(void *arg); /* see sampler_tick; 1: threads have moved in memory */
	void *arg;
	struct cpus cpus;  /* the target can have so many at once; kept by the caller */
	struct thread **v; /* all threads of all processes */
	uint32_t n, room;
	uint32_t *candidates; /* indices into v */
	uint32_t *sleepers;   /* likewise: looked at, and not running */
	uint32_t n_sleepers;
	struct waiters waiters;
	uint32_t turn; /* where the round through the idle ones stands */
	uint32_t active,
		running;     /* threads at the last tick that ran now and then; that were running */
	uint64_t came;	     /* when we were put on our CPU for this tick; 0: not asked */
	uint64_t now;	     /* when the tick began */
	uint64_t last_clock; /* CPU time of all processes at the last tick that asked */
	uint32_t weight; /* of this tick's captures among all; WEIGHT_ONE: a tick of the asked rate
			  */
	int has_doubts;	 /* some thread is doubtful */
	int busy;	 /* someone was running at the last tick */
	int crowded;	 /* more than fit on CPUs, or others take them */
	uint32_t others; /* ticks left for which others are taken to want the CPUs, too */
	int exec_seen;	 /* in a process that has it set, too */
	int stale;	 /* the same for threads that have changed */
};

/* Takes the processes' threads over, which must not move until the next call. 0 or -ENOMEM. */
int sampler_prepare(struct sampler *s, struct process *const *processes, uint32_t n);

/* One tick that stands for weight. Where a process has another program or other threads than we
 * know, read_changed is called before anyone is stopped: it reads them anew and prepares the
 * sampler. Not while a late thread is held; one may be held afterwards. */
void sampler_tick(struct sampler *s, uint32_t weight);

#endif
