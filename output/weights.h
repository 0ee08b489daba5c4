/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time of samples: a thread's CPU time divided over its samples, so that the parts add up to it
 * exactly whatever the rounding.
 *
 * Threads that came and went inside the interval are one pool: most of them are met once or never,
 * and what they used after the last look at them is known only in sum (ended_cpu). Their samples
 * fall evenly into the time that all of them computed, so each stands for its part of the pool. But
 * not for more than it can speak for: what is more than a quarter above the time of the ticks that
 * these samples stand for is not given to any.
 */
#ifndef OUTPUT_WEIGHTS_H
#define OUTPUT_WEIGHTS_H

#include "output/types.h"

struct table;

struct weights {
	const struct thread_info *threads;
	uint32_t n;
	uint64_t *samples;   /* of each thread, the sum of its samples' weights */
	uint64_t *given;     /* of each thread, the weights that have got their part */
	uint64_t pool_cpu;   /* that is given to the pool's samples */
	uint64_t pool_left;  /* that is not, of threads that are known */
	uint64_t pool_ended; /* that is not, of ended_cpu */
	uint64_t pool_samples, pool_given;
};

/* Counts the table's samples per thread; period of the ticks in ns. 0 or -ENOMEM. */
int weights_init(struct weights *w, const struct table *table, const struct thread_info *threads,
	uint32_t n, uint64_t ended_cpu, uint64_t period);
void weights_fini(struct weights *w);

/* The nanoseconds of the thread's next samples, which have that weight in all. */
int64_t weights_take(struct weights *w, uint32_t thread, uint64_t weight);

/* CPU time that no sample stands for: of threads that are known; of such as ended unseen. */
int64_t weights_unsampled(const struct weights *w);
int64_t weights_ended(const struct weights *w);

#endif
