/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"

void index_fini(struct index *x)
{
	free(x->v);
	memset(x, 0, sizeof(*x));
}

long index_find(const struct index *x, uint64_t hash, index_same *same, const void *arg)
{
	if (!x->room)
		return -1;
	for (uint32_t at = hash & (x->room - 1); x->v[at].number; at = (at + 1) & (x->room - 1))
		if (x->v[at].hash == hash && same(arg, x->v[at].number - 1))
			return x->v[at].number - 1;
	return -1;
}

static void put(struct index_slot *v, uint32_t room, struct index_slot slot)
{
	uint32_t at = slot.hash & (room - 1);

	while (v[at].number)
		at = (at + 1) & (room - 1);
	v[at] = slot;
}

static int grow(struct index *x)
{
	uint32_t room = x->room ? x->room * 2 : 256;
	struct index_slot *v = calloc(room, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->room; i++)
		if (x->v[i].number)
			put(v, room, x->v[i]);
	free(x->v);
	x->v = v;
	x->room = room;
	return 0;
}

int index_add(struct index *x, uint64_t hash, uint32_t position)
{
	if (x->n * 2 >= x->room && grow(x) < 0)
		return -ENOMEM;
	put(x->v, x->room, (struct index_slot){hash, position + 1});
	x->n++;
	return 0;
}
