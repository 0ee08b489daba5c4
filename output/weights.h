/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time of samples: a thread's CPU time divided over its samples, so that the parts add up to it
 * exactly whatever the rounding.
 */
#ifndef OUTPUT_WEIGHTS_H
#define OUTPUT_WEIGHTS_H

#include "output/types.h"

struct table;

struct weights {
	const struct thread_info *threads;
	uint32_t n;
	uint64_t *samples; /* of each thread, the sum of its samples' weights */
	uint64_t *given;   /* of each thread, the weights that have got their part */
};

/* Counts the table's samples per thread. 0 or -ENOMEM. */
int weights_init(struct weights *w, const struct table *table, const struct thread_info *threads,
	uint32_t n);
void weights_fini(struct weights *w);

/* The nanoseconds of the thread's next samples, which have that weight in all. */
int64_t weights_take(struct weights *w, uint32_t thread, uint64_t weight);

/* CPU time of the threads without any sample. */
int64_t weights_unsampled(const struct weights *w);

#endif
