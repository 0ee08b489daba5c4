/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlocks: threads that wait for each other in a circle, seen in two scans of all threads between
 * which none of them has run. Pure: no state, nothing is read.
 */
#ifndef AGENT_DEADLOCK_H
#define AGENT_DEADLOCK_H

#include <stdint.h>

/* A thread that waits for a lock that another one, or it itself, holds. */
struct deadlock_edge {
	int32_t waiter, holder; /* thread ids */
	uint64_t lock;
	uint64_t runs; /* how often the waiter was put on a CPU */
};

struct deadlocks {
	struct deadlock_edge *members; /* of all circles, one after the other, each holds up the one
					  before it */
	uint32_t *ends;		       /* of each circle: index behind its last member */
	uint32_t n;
};

/* Each circle once, from its smallest thread id on; threads that only hang on one are not in it.
 * The scans hold each waiter once at most, in any order. 0 or -ENOMEM, and then out is empty;
 * deadlocks_fini in any case. */
int deadlocks_find(const struct deadlock_edge *first, uint32_t n_first,
	const struct deadlock_edge *second, uint32_t n_second, struct deadlocks *out);
void deadlocks_fini(struct deadlocks *d);

#endif
