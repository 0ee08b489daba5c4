/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where more is sampled than can be kept, samples are made rarer: the probe's mean is doubled, or
 * more at once, and stays so. Each sample carries the mean that its gap was drawn with, so no
 * estimate is wrong by it. What was dropped until then is counted, with what it stands for.
 */
#ifndef PROBE_PRESSURE_H
#define PROBE_PRESSURE_H

#include "agent/probe/probe.h"

/* Bytes that dropped samples stand for, and the variance of that. */
struct pressure_lost {
	double bytes, variance;
};

struct pressure {
	uint64_t mean; /* at present */
	struct pressure_lost lost;
	/* As they were last read, and could be. */
	uint64_t dropped, dropped_bytes, dropped_means, table_full, no_slot;
	int is_damaged; /* or could not be: the target has written there */
	uint64_t began; /* the first look (CLOCK_MONOTONIC, ns) */
	/* When it was last decided (CLOCK_MONOTONIC, ns), and the figures of then. */
	uint64_t decided, table_decided;
	uint64_t head, tail, then_dropped, then_full;
	uint64_t pace; /* samples that are handed on in PRESSURE_REST_NS, at the best of late */
};

#define PRESSURE_REST_NS       5000000ull
#define PRESSURE_TABLE_REST_NS 1000000000ull
#define PRESSURE_MOST	       (1ull << 30) /* the mean is not raised beyond */
#define PRESSURE_FASTEST       16ull /* allocations in a ns, of all threads: nobody has more */

void pressure_begin(struct pressure *p, uint64_t mean);

/* After records were taken, as many as there was room for. */
void pressure_look(struct pressure *p, const struct probe *probe, uint64_t now);

/* Since it was last decided. */
struct pressure_flow {
	uint64_t came;	  /* samples, */
	uint64_t dropped; /* of which so many had no room */
	uint64_t can;	  /* could have been handed on */
	uint64_t backlog; /* still wait */
};

/* Takes over the figures that the probe counts, as far as they can be true. */
void pressure_read(struct pressure *p, const struct probe_shared *shared, uint64_t now);

/* By what the mean is to be multiplied: a power of two; 1: it stays, as where a backlog is being
 * worked off. */
uint64_t pressure_factor(const struct pressure_flow *f);

/* Adds n samples, by the sums of their sizes and of the means they were drawn with. */
void pressure_lose(struct pressure_lost *l, uint64_t n, uint64_t bytes, uint64_t means);

#endif
