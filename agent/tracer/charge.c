/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "agent/tracer/charge.h"
#include "base/list.h"

void charges_fini(struct charges *c)
{
	free(c->v);
	*c = (struct charges){0};
}

int charges_add(struct charges *c, const struct charge *more)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct charge *have = &c->v[i];
		if (have->process != more->process || have->wait.lock != more->wait.lock ||
			have->wait.holder != more->wait.holder)
			continue;
		have->weight += more->weight;
		have->contentions += more->contentions;
		have->again += more->again;
		return 0;
	}
	int error = list_room(&c->v, c->n, 1, &c->room, sizeof(*c->v), LIMIT_THREADS);
	if (!error)
		c->v[c->n++] = *more;
	return error;
}

static int by_holder(const void *a, const void *b)
{
	const struct charge *x = a, *y = b;

	return (x->wait.holder > y->wait.holder) - (x->wait.holder < y->wait.holder);
}

void charges_sort(struct charges *c)
{
	if (c->n > 1)
		qsort(c->v, c->n, sizeof(*c->v), by_holder);
}

struct charge *charges_of(const struct charges *c, pid_t holder, uint32_t *n)
{
	uint32_t first = 0;

	while (first < c->n && c->v[first].wait.holder != holder)
		first++;
	for (*n = 0; first + *n < c->n && c->v[first + *n].wait.holder == holder; ++*n)
		;
	return *n ? &c->v[first] : NULL;
}

int charge_is_held(const struct charge *c)
{
	struct wait now;

	waits_find(c->process, &c->call, &now);
	return now.holder == c->wait.holder && now.lock == c->wait.lock;
}
