/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The distribution of pauses: a logarithmic histogram, eight buckets to each doubling of the
 * microseconds, so a percentile is exact to 9 %.
 */
#ifndef TRACER_STATS_H
#define TRACER_STATS_H

#include "base/message.h"

void stats_add_stop(struct tracer_stats *s, uint64_t ns);

/* Adds the counters of from; the clock and the present number of threads are taken over. */
void stats_add(struct tracer_stats *to, const struct tracer_stats *from);

/* The pause in microseconds that a share (0 to 1) of all stops stayed below; 0 without stops. */
double stats_stop_us(const struct tracer_stats *s, double share);

#endif
