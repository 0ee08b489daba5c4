/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stddef.h>

#include "agent/probe/pressure.h"
#include "agent/probe/probe_parts.h"

#define STEP_MOST 8u	       /* one late look is no reason for more */
#define SIZE_MOST (1ull << 40) /* bytes of an allocation, as records.c takes them */

#define FIGURE(s, member) __atomic_load_n(&(s)->member, __ATOMIC_RELAXED)

void pressure_begin(struct pressure *p, uint64_t mean)
{
	*p = (struct pressure){.mean = mean};
}

/* As output/estimate.h, with the average of each for all. */
void pressure_lose(struct pressure_lost *l, uint64_t n, uint64_t bytes, uint64_t means)
{
	if (!n || !bytes || !means)
		return;
	double size = (double)bytes / n, mean = (double)means / n;
	double chance = -expm1(-size / mean), weight = size / chance;

	l->bytes += n * weight;
	l->variance += n * weight * weight * (1 - chance);
}

uint64_t pressure_factor(const struct pressure_flow *f)
{
	uint64_t factor = 1, can = f->can > PROBE_RECORDS / 8 ? f->can : PROBE_RECORDS / 8;

	if (!f->dropped && f->backlog <= PROBE_RECORDS - PROBE_RECORDS / 4)
		return 1;
	while (f->came > can * factor && factor < STEP_MOST)
		factor *= 2;
	return factor;
}

/* What counts up, and how far it can have come; the target can write what it likes there. */
static void learn(struct pressure *p, uint64_t *known, uint64_t now, uint64_t most)
{
	if (now < *known || now > most)
		p->is_damaged = 1;
	else
		*known = now;
}

static void count_dropped(struct pressure *p, const struct probe_shared *s, uint64_t most)
{
	uint64_t n = FIGURE(s, dropped), bytes = FIGURE(s, dropped_bytes),
		 means = FIGURE(s, dropped_means);

	if (n == p->dropped || bytes == p->dropped_bytes || means == p->dropped_means)
		return; /* not all is counted yet */
	uint64_t more = n - p->dropped, size = bytes - p->dropped_bytes,
		 mean = means - p->dropped_means;
	if (n < p->dropped || n > most || size / more > SIZE_MOST || mean / more > SIZE_MOST) {
		p->is_damaged = 1;
		return;
	}
	pressure_lose(&p->lost, more, size, mean);
	p->dropped = n;
	p->dropped_bytes = bytes;
	p->dropped_means = means;
}

void pressure_read(struct pressure *p, const struct probe_shared *shared, uint64_t now)
{
	if (!p->began)
		p->began = now;
	uint64_t most = (now - p->began + PRESSURE_TABLE_REST_NS) * PRESSURE_FASTEST;
	count_dropped(p, shared, most);
	learn(p, &p->table_full, FIGURE(shared, table_full), most);
	learn(p, &p->no_slot, FIGURE(shared, no_slot), most);
}

static void raise_mean(struct pressure *p, const struct probe *probe, uint64_t factor)
{
	const uint64_t at = probe->base + PROBE_STATE + offsetof(struct probe_state, mean);

	while (factor > 1 && p->mean * factor > PRESSURE_MOST)
		factor /= 2;
	uint64_t mean = p->mean * factor;
	if (factor > 1 && probe_write(probe, at, &mean, sizeof(mean)) == 0)
		p->mean = mean;
}

/* Who takes none for once is only late. */
static uint64_t could_take(struct pressure *p, uint64_t taken, uint64_t ns)
{
	uint64_t pace = taken * PRESSURE_REST_NS / ns, before = p->pace - p->pace / 8;

	p->pace = pace > before ? pace : before;
	return p->pace * (ns / PRESSURE_REST_NS);
}

/* So many samples live that the table has no room: rarer ones are the only help, and it comes
 * slowly. */
static int is_table_full(struct pressure *p, uint64_t full, uint64_t now)
{
	if (full == p->then_full || now - p->table_decided < PRESSURE_TABLE_REST_NS)
		return 0;
	p->then_full = full;
	p->table_decided = now;
	return 1;
}

void pressure_look(struct pressure *p, const struct probe *probe, uint64_t now)
{
	const struct records *r = &probe->records;

	pressure_read(p, (const void *)r->shared, now);
	if (now - p->decided < PRESSURE_REST_NS)
		return;
	uint64_t head = RECORDS_FIGURE(r, head), dropped = p->dropped - p->then_dropped;
	const struct pressure_flow flow = {.came = head - p->head + dropped,
		.dropped = dropped,
		.can = could_take(p, r->tail - p->tail, now - p->decided),
		.backlog = head - r->tail};
	/* More than fits is not in the ring. */
	int is_possible = head - r->tail <= PROBE_RECORDS;
	uint64_t factor = is_possible ? pressure_factor(&flow) : 1;
	if (is_table_full(p, p->table_full, now) && factor == 1)
		factor = 2;
	p->is_damaged |= !is_possible;
	p->decided = now;
	p->head = head;
	p->tail = r->tail;
	p->then_dropped = p->dropped;
	if (factor > 1)
		raise_mean(p, probe, factor);
}
