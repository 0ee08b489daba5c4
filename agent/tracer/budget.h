/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the target's CPU time that pauses may take, held by lowering the rate.
 *
 * What a pause takes is the median of late, not the mean, and of the stops in which the thread did
 * not wait for a CPU that others had: on a machine with more to do than CPUs it loses time that
 * they would have taken from it anyway, and that no lower rate gives back.
 */
#ifndef TRACER_BUDGET_H
#define TRACER_BUDGET_H

#include "base/message.h"

struct budget {
	uint32_t most;		    /* of the CPU time, in 1/1000000 */
	uint64_t cpu;		    /* the target's at the last review, ns */
	struct tracer_stats before; /* at the last review */
};

/* Zero: any amount. */
void budget_init(struct budget *b, uint32_t most, uint64_t cpu);

/* Whether enough stops were made since the last review. */
int budget_is_due(const struct budget *b, const struct tracer_stats *stats);

/* How much slower than asked to go, in 1/CLOCK_ONE, given the present slow: unchanged where the
 * target used too little CPU time to tell. */
uint32_t budget_review(
	struct budget *b, const struct tracer_stats *stats, uint64_t cpu, uint32_t slow);

#endif
