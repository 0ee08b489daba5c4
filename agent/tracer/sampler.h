/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One tick of the cpu profile: which threads are on a CPU now, and a capture of each.
 *
 * Threads that ran lately are looked at in each tick, the others in turn; of many only some, by
 * chance. The weight of a capture is one over the chance that its thread was looked at. When more
 * threads are runnable than the process can have on CPUs, only that many are taken, at random among
 * those that are on one: a thread in the run queue cannot reach its stop, and we do not line up
 * behind it.
 */
#ifndef TRACER_SAMPLER_H
#define TRACER_SAMPLER_H

#include "agent/tracer/capture.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/cpus.h"

struct sampler {
	struct capturer capturer;
	struct threads *threads;
	struct clock *clock;
	struct cpus cpus; /* the process can have so many at once; kept by the caller */
	uint64_t came;	  /* when we were put on our CPU for this tick; 0: not asked */
	uint64_t now;	  /* when the tick began */
	uint64_t last_process_clock;
	uint64_t start_stack; /* of the program that runs; another one means exec */
	uint32_t active,
		running; /* threads at the last tick that ran now and then; that were running */
	uint32_t live;	 /* threads that we know */
	uint32_t *candidates; /* indices into threads->v */
	uint32_t room;
	int has_doubts; /* some thread is doubtful */
	int busy;	/* someone was running at the last tick */
	int crowded;	/* more than fit on CPUs */
	int exec_seen;	/* the caller reads maps and threads anew, and clears it */
	int stale;	/* the threads have changed: the caller lists them anew, and prepares */
};

/* Room for all threads; call after each refresh of the threads. 0 or -ENOMEM. */
int sampler_prepare(struct sampler *s);
void sampler_fini(struct sampler *s);

/* One tick. Not while a late thread is held; one may be held afterwards. */
void sampler_tick(struct sampler *s);

#endif
