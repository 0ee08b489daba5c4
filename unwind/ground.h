/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapping that a walk is in, and its module: the next frame is often in the same.
 */
#ifndef UNWIND_GROUND_H
#define UNWIND_GROUND_H

#include "symbolize/modules.h"

struct ground {
	const struct modules *modules; /* borrowed, as is maps */
	const struct maps *maps;
	const struct mapping *map; /* NULL: none yet */
	struct module *module;	   /* NULL: not readable */
	uint64_t start, size;	   /* of map */
	uint64_t key;		   /* the places_key of an address is so much more */
};

/* 0, or -1: no mapping holds pc. */
int ground_enter(struct ground *g, uint64_t pc);

static inline int ground_find(struct ground *g, uint64_t pc)
{
	return pc - g->start < g->size ? 0 : ground_enter(g, pc);
}

#endif
