/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings of the target as session told them, a few generations back: captures and mappings
 * travel on different ways, so a capture may be older or newer than the latest list.
 */
#ifndef UNWIND_GENERATIONS_H
#define UNWIND_GENERATIONS_H

#include "base/message.h"

#define GENERATIONS_KEPT 8u

struct generations {
	struct maps kept[GENERATIONS_KEPT]; /* newest last; generation 0: none */
	struct maps building;
};

void generations_fini(struct generations *g);

/* A part of a generation; 1 once it is complete, 0 before, -EPROTO, -E2BIG or -ENOMEM. Mappings
 * that overlap or are out of order are refused. */
int generations_add(struct generations *g, const struct maps_part *part, const struct mapping *v);

/* That generation; NULL if it is not here (yet, or any more). */
const struct maps *generations_find(const struct generations *g, uint32_t generation);

/* The newest one; NULL before the first. */
const struct maps *generations_newest(const struct generations *g);

#endif
