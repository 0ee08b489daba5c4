/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is alike in both scans is kept, sorted by waiter: each thread waits for one other at most,
 * so who follows the edges from a thread either ends, or comes to a circle. Each thread is passed
 * once: a walk that comes to one of an earlier walk ends there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/deadlock.h"

#define NOT_PASSED 0u

static int by_waiter(const void *a, const void *b)
{
	const struct deadlock_edge *x = a, *y = b;

	return (x->waiter > y->waiter) - (x->waiter < y->waiter);
}

static long find(const struct deadlock_edge *v, uint32_t n, int32_t waiter)
{
	struct deadlock_edge key = {.waiter = waiter};
	const struct deadlock_edge *e = n ? bsearch(&key, v, n, sizeof(key), by_waiter) : NULL;

	return e ? e - v : -1;
}

/* Those of v, sorted, that are in the other scan as well; how many. */
static uint32_t keep_lasting(
	struct deadlock_edge *v, uint32_t n, const struct deadlock_edge *other, uint32_t n_other)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		long at = find(other, n_other, v[i].waiter);
		if (v[i].holder && at >= 0 && other[at].holder == v[i].holder &&
			other[at].lock == v[i].lock && other[at].runs == v[i].runs)
			v[kept++] = v[i];
	}
	return kept;
}

static void add_circle(struct deadlocks *d, const struct deadlock_edge *v, uint32_t n, long at)
{
	uint32_t end = d->n ? d->ends[d->n - 1] : 0;
	long begin = at;

	for (long i = find(v, n, v[at].holder); i != at; i = find(v, n, v[i].holder))
		if (i < begin)
			begin = i;
	at = begin;
	do {
		d->members[end++] = v[at];
		at = find(v, n, v[at].holder);
	} while (at != begin);
	d->ends[d->n++] = end;
}

/* passed: by which walk, of each of the n edges. */
static void walk(struct deadlocks *d, const struct deadlock_edge *v, uint32_t n, uint32_t *passed)
{
	for (uint32_t start = 0; start < n; start++) {
		long at = start;
		while (at >= 0 && passed[at] == NOT_PASSED) {
			passed[at] = start + 1;
			at = find(v, n, v[at].holder);
		}
		if (at >= 0 && passed[at] == start + 1)
			add_circle(d, v, n, at);
	}
}

static struct deadlock_edge *sorted(const struct deadlock_edge *v, uint32_t n)
{
	struct deadlock_edge *copy = malloc((n + 1) * sizeof(*copy));

	if (copy && n) {
		memcpy(copy, v, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), by_waiter);
	}
	return copy;
}

int deadlocks_find(const struct deadlock_edge *first, uint32_t n_first,
	const struct deadlock_edge *second, uint32_t n_second, struct deadlocks *out)
{
	struct deadlock_edge *a = sorted(first, n_first), *b = sorted(second, n_second);
	uint32_t *passed = calloc(n_second + 1, sizeof(*passed));

	*out = (struct deadlocks){
		.members = malloc((n_second + 1) * sizeof(*out->members)),
		.ends = malloc((n_second + 1) * sizeof(*out->ends)),
	};
	int error = a && b && passed && out->members && out->ends ? 0 : -ENOMEM;
	if (!error)
		walk(out, b, keep_lasting(b, n_second, a, n_first), passed);
	else
		deadlocks_fini(out);
	free(a);
	free(b);
	free(passed);
	return error;
}

void deadlocks_fini(struct deadlocks *d)
{
	free(d->members);
	free(d->ends);
	*d = (struct deadlocks){0};
}
