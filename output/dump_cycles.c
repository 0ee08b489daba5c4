/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each thread waits for one other at most, so from any thread there is one way on. A way that comes
 * back to a thread of its own has found a circle; one that comes to an earlier way has not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "output/dump.h"

static int add_cycle(struct dump *d, uint32_t first)
{
	struct dump_cycle c = {.first = d->n_in_cycles};
	uint32_t at = first;
	int error = list_room(
		&d->cycles, d->n_cycles, 1, &d->cycles_room, sizeof(*d->cycles), LIMIT_THREADS);

	do {
		if (!error)
			error = list_room(&d->in_cycles, d->n_in_cycles, 1, &d->in_cycles_room,
				sizeof(*d->in_cycles), 64 * LIMIT_THREADS);
		if (error)
			return error;
		d->in_cycles[d->n_in_cycles++] = at;
		at = d->threads[at].holder;
		c.n++;
	} while (at != first);
	d->cycles[d->n_cycles++] = c;
	return 0;
}

int dump_find_cycles(struct dump *d)
{
	/* The way that each was met on; 0: on none. */
	uint32_t *way = calloc(d->n_threads + 1, sizeof(*way));
	int error = way ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < d->n_threads && !error; i++) {
		uint32_t at = i;
		while (at != DUMP_NO_INDEX && !way[at] && d->threads[at].is_stuck) {
			way[at] = i + 1;
			at = d->threads[at].holder;
		}
		if (at != DUMP_NO_INDEX && way[at] == i + 1)
			error = add_cycle(d, at);
	}
	free(way);
	return error;
}
