/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampling clock: time is cut into periods, and each has its tick at a random place of its own.
 * Every moment is as likely as any other, whatever the program's own period is, and what lasts for
 * many periods gets its share of ticks nearly exactly (stratified sampling: Cochran, Sampling
 * Techniques, chapter 5). Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef TRACER_CLOCK_H
#define TRACER_CLOCK_H

#include <stdint.h>

#include "base/now.h"

#define CLOCK_ONE 16u /* see clock.slow */

struct clock {
	uint64_t asked;	     /* period as asked */
	uint64_t period;     /* in force: asked * slow / CLOCK_ONE */
	uint32_t slow;	     /* CLOCK_ONE: the rate as asked */
	uint32_t stands_for; /* the last tick: itself and those missed just before it, at most
				CLOCK_STANDS_FOR, in periods as asked / CLOCK_ONE */
	uint64_t due, random;
	uint64_t next;		      /* where the period after that of due begins */
	uint32_t due_slow;	      /* slow when due was chosen */
	uint64_t taken, missed, late; /* late: begun more than half a period after it was due */
};

/* A tick after a long gap does not speak for all of it. */
#define CLOCK_STANDS_FOR 8u

/* hz > 0. The first tick falls at a random place in the first period. */
void clock_init(struct clock *c, uint32_t hz, uint64_t seed, uint64_t now);

/* Another rate from now on; what was counted stays. */
void clock_set_rate(struct clock *c, uint32_t hz, uint64_t now);

/* Whether a tick is due; if so counts it, and those that passed unseen, and sets the next one. */
int clock_tick(struct clock *c, uint64_t now);

/* How many ticks, about, have passed untaken. */
uint64_t clock_overdue(const struct clock *c, uint64_t now);

/* From the next choice on the period is slow / CLOCK_ONE of what was asked; slow >= CLOCK_ONE. */
void clock_slow(struct clock *c, uint32_t slow);

/* A random number in [0, n). */
uint64_t clock_random(struct clock *c, uint64_t n);

#endif
