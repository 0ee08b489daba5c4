/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings of the target's processes over time, a few generations of each: captures and
 * mappings travel on different ways, so a capture may be older or newer than the latest list.
 *
 * Generations are numbered over all processes, in the order in which they were read.
 */
#ifndef BASE_GENERATIONS_H
#define BASE_GENERATIONS_H

#include "base/message.h"

#define GENERATIONS_KEPT 4u /* of one process */

struct generations {
	struct maps *kept; /* ascending by generation */
	uint32_t n, room;
	struct maps building;
	int failed; /* the one that is being built is skipped to its end */
};

void generations_fini(struct generations *g);

/* A part of a generation; 1 once it is complete, 0 before, -EPROTO, -E2BIG or -ENOMEM. Mappings
 * that overlap or are out of order are refused, and so is the rest of that generation. */
int generations_add(struct generations *g, const struct maps_part *part, const struct mapping *v);

/* Whoever sent the parts of a generation has ended: the next part begins a new one. */
void generations_abandon(struct generations *g);

/* That generation; NULL if it is not here (yet, or any more). Valid until the next change. */
const struct maps *generations_find(const struct generations *g, uint32_t generation);

/* The newest one of a process, or of all; NULL before the first. */
const struct maps *generations_newest(const struct generations *g, uint32_t process);
const struct maps *generations_last(const struct generations *g);

/* Drops all that are of a process. */
void generations_forget(struct generations *g, uint32_t process);

#endif
