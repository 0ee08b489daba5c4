/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/table.h"
#include "output/weights.h"

static int count_entry(void *arg, const struct table_entry *e)
{
	struct weights *w = arg;

	if (e->thread < w->n)
		w->samples[e->thread] += e->weight;
	return 0;
}

/* What the pool's samples speak for, first the CPU of those that are known. */
static void fill_pool(struct weights *w, uint64_t ended_cpu, uint64_t period)
{
	uint64_t known = 0;

	for (uint32_t i = 0; i < w->n; i++)
		if (w->threads[i].is_brief) {
			known += w->threads[i].cpu;
			w->pool_samples += w->samples[i];
		}
	uint64_t ticks = w->pool_samples * period / WEIGHT_ONE, most = ticks + ticks / 4;
	w->pool_cpu = known + ended_cpu < most ? known + ended_cpu : most;
	w->pool_left = known > w->pool_cpu ? known - w->pool_cpu : 0;
	w->pool_ended = known + ended_cpu - w->pool_cpu - w->pool_left;
}

int weights_init(struct weights *w, const struct table *table, const struct thread_info *threads,
	uint32_t n, uint64_t ended_cpu, uint64_t period)
{
	*w = (struct weights){.threads = threads, .n = n};
	w->samples = calloc(n + 1, sizeof(*w->samples));
	w->given = calloc(n + 1, sizeof(*w->given));
	if (!w->samples || !w->given) {
		weights_fini(w);
		return -ENOMEM;
	}
	int error = table_each(table, count_entry, w);
	fill_pool(w, ended_cpu, period);
	return error;
}

void weights_fini(struct weights *w)
{
	free(w->samples);
	free(w->given);
	memset(w, 0, sizeof(*w));
}

/* cpu * k / n without overflow: both are below 2^64, the product is not. */
static uint64_t part(uint64_t cpu, uint64_t k, uint64_t n)
{
	return (unsigned __int128)cpu * k / n;
}

int64_t weights_take(struct weights *w, uint32_t thread, uint64_t weight)
{
	if (thread >= w->n || !w->samples[thread])
		return 0;
	int in_pool = w->threads[thread].is_brief;
	uint64_t *given = in_pool ? &w->pool_given : &w->given[thread];
	uint64_t cpu = in_pool ? w->pool_cpu : w->threads[thread].cpu;
	uint64_t all = in_pool ? w->pool_samples : w->samples[thread];
	uint64_t before = part(cpu, *given, all);

	*given += weight;
	return part(cpu, *given, all) - before;
}

int64_t weights_unsampled(const struct weights *w)
{
	uint64_t sum = w->pool_left;

	for (uint32_t i = 0; i < w->n; i++)
		if (!w->samples[i] && !w->threads[i].is_brief)
			sum += w->threads[i].cpu;
	return sum;
}

int64_t weights_ended(const struct weights *w)
{
	return w->pool_ended;
}
