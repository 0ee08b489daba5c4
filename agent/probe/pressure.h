/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where more is sampled than can be kept, samples are made rarer: the probe's mean is doubled, or
 * more at once, and stays so. Each sample carries the mean that its gap was drawn with, so no
 * estimate is wrong by it. What was dropped until then is counted, with what it stands for.
 */
#ifndef PROBE_PRESSURE_H
#define PROBE_PRESSURE_H

#include "agent/probe/probe.h"

struct pressure {
	uint64_t mean;			 /* at present */
	double weight;			 /* bytes that the dropped samples stand for */
	uint64_t dropped, dropped_bytes; /* as they were last read */
	uint64_t table_full;
	uint64_t head;	  /* records begun, */
	uint64_t lost;	  /* and samples dropped, when it was last decided */
	uint64_t decided; /* when that was: CLOCK_MONOTONIC, ns */
};

#define PRESSURE_REST_NS 5000000ull
#define PRESSURE_MOST	 (1ull << 30) /* the mean is not raised beyond */

void pressure_begin(struct pressure *p, uint64_t mean);

/* After records were taken, as many as there was room for. */
void pressure_look(struct pressure *p, const struct probe *probe, uint64_t now);

/* By what the mean is to be multiplied: flow records and drops came since it was last decided,
 * backlog records still wait, is_lossy: something had no room. A power of two; 1: it stays. */
uint64_t pressure_factor(uint64_t flow, uint64_t backlog, int is_lossy);

/* Bytes that n samples of so many bytes in all stand for. */
double pressure_weight(uint64_t n, uint64_t bytes, uint64_t mean);

#endif
