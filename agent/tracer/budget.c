/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/budget.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/stats.h"

#define FEWEST_STOPS 24u	 /* a median of less says little */
#define LEAST_CPU    50000000ull /* ns: the kernel's clock moves in steps of up to 10 ms */
#define ROOM	     0.9	 /* of the budget, when the rate rises again */
#define SLOWEST	     (64 * CLOCK_ONE)

void budget_init(struct budget *b, uint32_t most, uint64_t cpu)
{
	*b = (struct budget){.most = most, .cpu = cpu};
}

int budget_is_due(const struct budget *b, const struct tracer_stats *stats)
{
	return b->most && stats->stops - b->before.stops >= FEWEST_STOPS;
}

uint32_t budget_review(
	struct budget *b, const struct tracer_stats *stats, uint64_t cpu, uint32_t slow)
{
	struct tracer_stats late = *stats;

	if (cpu - b->cpu < LEAST_CPU)
		return slow;
	stats_subtract(&late, &b->before);
	double pauses = late.stops * stats_stop_us(&late, 0.5) * 1000;
	double share = pauses / (cpu - b->cpu) / (b->most / 1e6);
	b->before = *stats;
	b->cpu = cpu;
	if (share <= 1 && (slow == CLOCK_ONE || share > ROOM * ROOM))
		return slow;
	double next = slow * share / ROOM + 0.5;
	return next < CLOCK_ONE ? CLOCK_ONE : next > SLOWEST ? SLOWEST : (uint32_t)next;
}
