/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampling clock: an absolute schedule whose gaps are random, uniform in 0.5 to 1.5 periods, so
 * that it cannot run in step with a periodic program. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef TRACER_CLOCK_H
#define TRACER_CLOCK_H

#include <stdint.h>

struct clock {
	uint64_t period, due, random;
	uint64_t taken, missed, late; /* late: begun more than half a period after it was due */
};

uint64_t clock_now(void);

/* hz > 0. The first tick falls at a random place in the first period. */
void clock_init(struct clock *c, uint32_t hz, uint64_t seed, uint64_t now);

/* Whether a tick is due; if so counts it, and those that passed unseen, and sets the next one. */
int clock_tick(struct clock *c, uint64_t now);

/* A random number in [0, n). */
uint64_t clock_random(struct clock *c, uint64_t n);

#endif
