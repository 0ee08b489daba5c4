/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/stats.h"

enum { PER_DOUBLING = 8 };

/* Every field before the buckets is a 64-bit counter, ticks the first. */
#define COUNTERS (offsetof(struct tracer_stats, stop_us) / sizeof(uint64_t))

_Static_assert(offsetof(struct tracer_stats, ticks) == 0, "the first");

/* The bucket's lower edge in ns: 2^(b/8) us / 8, made of integers only. */
static double edge_us(unsigned bucket)
{
	static const double step[PER_DOUBLING] = {1.0, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875};

	return (double)(1ull << (bucket / PER_DOUBLING)) * step[bucket % PER_DOUBLING] / 8;
}

static unsigned bucket_of(uint64_t ns)
{
	uint64_t eighths = ns / 125; /* of a microsecond */
	if (!eighths)
		return 0;
	unsigned log = 63 - __builtin_clzll(eighths);
	unsigned part = log >= 3 ? eighths >> (log - 3) & 7 : (eighths << (3 - log)) & 7;
	unsigned bucket = log * PER_DOUBLING + part;

	return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}

void stats_add_stop(struct tracer_stats *s, uint64_t ns, uint64_t queued)
{
	s->stops++;
	if (queued >= STATS_OURS) {
		s->queued_stops++;
		s->queued_ns += ns;
		return;
	}
	s->stop_ns += ns;
	s->stop_us[bucket_of(ns)]++;
}

double stats_stop_us(const struct tracer_stats *s, double share)
{
	uint64_t below = 0;

	for (unsigned b = 0; b < STATS_BUCKETS; b++) {
		below += s->stop_us[b];
		if (below && below >= share * (s->stops - s->queued_stops))
			return edge_us(b + 1);
	}
	return 0;
}

void stats_add(struct tracer_stats *to, const struct tracer_stats *from)
{
	uint64_t *sum = &to->ticks;
	const uint64_t *more = &from->ticks;

	for (size_t i = 0; i < COUNTERS; i++)
		sum[i] += more[i];
	for (unsigned b = 0; b < STATS_BUCKETS; b++)
		to->stop_us[b] += from->stop_us[b];
	to->threads_now = from->threads_now;
	to->processes_now = from->processes_now;
	to->threads_seen += from->threads_seen;
	to->kernel_unread += from->kernel_unread;
	to->execs += from->execs;
	to->maps_failed += from->maps_failed;
}

void stats_add_creations(struct tracer_creations *to, const struct tracer_creations *from)
{
	to->created += from->created;
	to->no_room += from->no_room;
	to->group_stops += from->group_stops;
	to->let_go += from->let_go;
	to->others += from->others;
	to->others_ns += from->others_ns;
	to->attached += from->attached;
	to->attach_ns += from->attach_ns;
}

void stats_subtract(struct tracer_stats *from, const struct tracer_stats *less)
{
	uint64_t *sum = &from->ticks;
	const uint64_t *part = &less->ticks;

	for (size_t i = 0; i < COUNTERS; i++)
		sum[i] -= part[i];
	for (unsigned b = 0; b < STATS_BUCKETS; b++)
		from->stop_us[b] -= less->stop_us[b];
	from->threads_seen -= less->threads_seen;
	from->kernel_unread -= less->kernel_unread;
	from->execs -= less->execs;
	from->maps_failed -= less->maps_failed;
}
