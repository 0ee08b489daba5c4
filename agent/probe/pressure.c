/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stddef.h>

#include "agent/probe/pressure.h"
#include "agent/probe/probe_parts.h"

#define STEP_MOST 64u

void pressure_begin(struct pressure *p, uint64_t mean)
{
	*p = (struct pressure){.mean = mean};
}

double pressure_weight(uint64_t n, uint64_t bytes, uint64_t mean)
{
	double size = n ? (double)bytes / n : 0;

	return size > 0 && mean ? bytes / -expm1(-size / mean) : 0;
}

uint64_t pressure_factor(uint64_t flow, uint64_t backlog, int is_lossy)
{
	uint64_t factor = 2;

	if (!is_lossy && backlog <= PROBE_RECORDS - PROBE_RECORDS / 4)
		return 1;
	while (flow / factor > PROBE_RECORDS / 2 && factor < STEP_MOST)
		factor *= 2;
	return factor;
}

static void count_dropped(struct pressure *p, const struct records *r)
{
	uint64_t n = RECORDS_FIGURE(r, dropped), bytes = RECORDS_FIGURE(r, dropped_bytes);

	/* The target can write what it likes there. */
	if (n > p->dropped && bytes > p->dropped_bytes)
		p->weight += pressure_weight(n - p->dropped, bytes - p->dropped_bytes, p->mean);
	p->dropped = n;
	p->dropped_bytes = bytes;
}

static void raise_mean(struct pressure *p, const struct probe *probe, uint64_t factor)
{
	const uint64_t at = probe->base + PROBE_STATE + offsetof(struct probe_state, mean);

	while (factor > 1 && p->mean * factor > PRESSURE_MOST)
		factor /= 2;
	uint64_t mean = p->mean * factor;
	if (factor < 2 || probe_write(probe, at, &mean, sizeof(mean)) < 0)
		return;
	/* What was dropped until now had the old one. */
	count_dropped(p, &probe->records);
	p->mean = mean;
}

void pressure_look(struct pressure *p, const struct probe *probe, uint64_t now)
{
	const struct records *r = &probe->records;

	count_dropped(p, r);
	if (now - p->decided < PRESSURE_REST_NS)
		return;
	uint64_t head = RECORDS_FIGURE(r, head), full = RECORDS_FIGURE(r, table_full);
	uint64_t flow = head - p->head + (p->dropped - p->lost);
	int is_lossy = p->dropped != p->lost || full != p->table_full;
	uint64_t factor = pressure_factor(flow, head - r->tail, is_lossy);
	p->decided = now;
	p->head = head;
	p->lost = p->dropped;
	p->table_full = full;
	if (factor > 1)
		raise_mean(p, probe, factor);
}
