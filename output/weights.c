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

int weights_init(
	struct weights *w, const struct table *table, const struct thread_info *threads, uint32_t n)
{
	*w = (struct weights){.threads = threads, .n = n};
	w->samples = calloc(n + 1, sizeof(*w->samples));
	w->given = calloc(n + 1, sizeof(*w->given));
	if (!w->samples || !w->given) {
		weights_fini(w);
		return -ENOMEM;
	}
	return table_each(table, count_entry, w);
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
	uint64_t cpu = w->threads[thread].cpu, all = w->samples[thread];
	uint64_t before = part(cpu, w->given[thread], all);

	w->given[thread] += weight;
	return part(cpu, w->given[thread], all) - before;
}

int64_t weights_unsampled(const struct weights *w)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < w->n; i++)
		if (!w->samples[i])
			sum += w->threads[i].cpu;
	return sum;
}
