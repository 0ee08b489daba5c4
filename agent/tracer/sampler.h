/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One tick of the cpu profile: which threads are on a CPU now, and a capture of each; and the
 * threads profile: every thread once.
 *
 * Threads that ran lately are looked at in each tick, the others in turn. When more threads are
 * runnable than the process can have on CPUs, only that many are taken, at random among those that
 * are on one: a thread in the run queue cannot reach its stop, and we do not line up behind it.
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
	uint64_t last_process_clock;
	int busy;	      /* someone was running at the last tick */
	uint32_t active;      /* threads at the last tick that run now and then */
	uint64_t start_stack; /* of the program that runs; another one means exec */
	uint32_t *candidates; /* indices into threads->v */
	uint32_t room;
	uint32_t idle_round; /* idle threads looked at in each tick */
	struct cpus cpus;    /* the process can have so many at once */
	int exec_seen;
};

/* Room for all threads; call after each refresh of the threads. 0 or -ENOMEM. */
int sampler_prepare(struct sampler *s);
void sampler_fini(struct sampler *s);

/* One tick. 0, or -EAGAIN while a late thread is held: nothing else may be stopped. */
int sampler_tick(struct sampler *s);

/* Every thread once into the threads profile; how many have no stack. */
void sampler_snapshot(struct sampler *s);

#endif
