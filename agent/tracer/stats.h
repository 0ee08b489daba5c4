/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The distribution of pauses: a logarithmic histogram, eight buckets to each doubling of the
 * microseconds, so a percentile is exact to 9 %.
 */
#ifndef TRACER_STATS_H
#define TRACER_STATS_H

#include "base/message.h"

/* A pause of ns; before or in it the thread waited for a CPU for queued. That is not of our making
 * if it is long (on a CPU that we have taken from it a thread waits for less than STATS_OURS), and
 * how long the pause alone was cannot be told then. */
void stats_add_stop(struct tracer_stats *s, uint64_t ns, uint64_t queued);

#define STATS_OURS 300000u

/* Adds the counters of from; the present numbers of threads and processes are taken over. */
void stats_add(struct tracer_stats *to, const struct tracer_stats *from);

void stats_add_creations(struct tracer_creations *to, const struct tracer_creations *from);

/* Leaves what was counted since less, an earlier state of the same counters. */
void stats_subtract(struct tracer_stats *from, const struct tracer_stats *less);

/* The pause in microseconds that a share (0 to 1) of all stops that were no wait for others stayed
 * below; 0 without stops. */
double stats_stop_us(const struct tracer_stats *s, double share);

#endif
