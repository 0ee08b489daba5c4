/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What threads wait at a tick for one lock, charged to the thread that holds it.
 *
 * Weights as in struct capture. A charge is of its tick only: threads move in memory between two.
 */
#ifndef TRACER_CHARGE_H
#define TRACER_CHARGE_H

#include "agent/tracer/waits.h"

struct charge {
	struct process *process; /* of one of those that wait, */
	struct call_now call;	 /* and the call in which it does */
	struct wait wait;
	uint32_t weight, contentions, again; /* of all of them */
};

/* Those of one tick. Zero-initialized is empty. */
struct charges {
	struct charge *v;
	uint32_t n, room;
};

void charges_fini(struct charges *c); /* for tests: a role ends by _exit */

/* Adds to the charge of the same lock and holder, or a new one. 0 or -errno. */
int charges_add(struct charges *c, const struct charge *more);

/* Brings those of one holder together. */
void charges_sort(struct charges *c);

/* Those of that holder, a thread id in our namespace; *n of them. NULL if there is none. Sorted
 * before. */
struct charge *charges_of(const struct charges *c, pid_t holder, uint32_t *n);

/* Whether it holds the lock at this moment. */
int charge_is_held(const struct charge *c);

#endif
