/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Goroutines that wait for each other, at each tick, for the block and mutex profiles: no thread is
 * blocked for them. Read without a stop; of many some, by chance.
 *
 * The runtime records no holder. A wait is told from the next one of the same goroutine by where it
 * is and how often it has stopped running.
 */
#ifndef TRACER_GOROUTINE_WAITS_H
#define TRACER_GOROUTINE_WAITS_H

#include "agent/tracer/capture.h"
#include "agent/tracer/clock.h"

#define GOROUTINE_WAITS 4096u

/* Waits that were counted; one that is forgotten for want of room counts twice. Zero-initialized is
 * empty. */
struct goroutine_waits {
	struct {
		uint64_t id, sp, pc;
		uint32_t process, turns, round;
	} v[GOROUTINE_WAITS];
	uint32_t round;
};

/* Waits that last count once more: as such (capture.again), or like new ones. */
void goroutine_waits_count_again(struct goroutine_waits *seen, int as_such);

/* One tick that stands for weight. Of a process without goroutines, or of which session has not
 * told yet how to read them, nothing. */
void goroutine_waits_tick(struct goroutine_waits *seen, struct capturer *c, struct process *p,
	struct clock *clock, uint32_t weight);

#endif
