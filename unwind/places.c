/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/places.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 4096u
#define ROOM_MAX   (16u * 1024 * 1024)

int places_init(struct places *p)
{
	*p = (struct places){calloc(ROOM_FIRST, sizeof(*p->v)), 0, ROOM_FIRST};
	return p->v ? 0 : -ENOMEM;
}

void places_fini(struct places *p)
{
	free(p->v);
	p->v = NULL;
}

static int grow(struct places *p)
{
	struct places more = {NULL, p->n, p->room * 2};

	if (more.room > ROOM_MAX || !(more.v = calloc(more.room, sizeof(*more.v))))
		return -1;
	for (uint32_t i = 0; i < p->room; i++)
		if (p->v[i].key)
			*places_at(&more, p->v[i].key) = p->v[i];
	free(p->v);
	*p = more;
	return 0;
}

struct place *places_add(struct places *p, uint64_t key)
{
	if (p->n * 2 >= p->room && grow(p) < 0)
		return NULL;
	struct place *place = places_at(p, key);
	*place = (struct place){.key = key};
	p->n++;
	return place;
}
