/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two profiles of one type: what grew, what shrank, and what of that is more than chance.
 *
 * A difference is significant beyond 4 standard errors of it. By chance alone that happens to one
 * row in 16 000: of 1000 rows without a change, in one comparison of sixteen is there any. The
 * error is that of the sampling only (output/sampling.h): whether both programs did the same work
 * is not its business. It is the larger of two estimates: each side's own variance; and what it
 * would be if nothing had changed, which matters where a side has few samples or none.
 *
 * Profiles of a time (cpu, wall, block, allocs, not what is in use at a moment) that both say how
 * long it was are compared per second.
 */
#ifndef OUTPUT_COMPARE_H
#define OUTPUT_COMPARE_H

#include "base/buf.h"
#include "output/tally.h"

#define COMPARE_SIGMAS 4.0

struct change {
	const char *name, *file; /* as struct tally_row */
	int64_t line;
	double old, new;
	double error; /* standard error of the difference; 0: both were counted */
	int is_significant;
};

/* The significant first, then by the size of the difference. */
struct changes {
	struct change *v;
	uint32_t n, n_significant;
};

struct comparison {
	const struct tally *old, *new;
	int is_per_second;
	int is_same_run; /* of the heap, at two moments: most samples are in both */
	int has_places;	 /* of allocations of the same build: in others, lines have moved */
	struct change total;
	struct changes flat, cum, places;
};

/* Both of the same type and unit; they must live as long. 0 or -ENOMEM; caller calls compare_fini.
 */
int compare_take(const struct tally *old, const struct tally *new, struct comparison *c);
void compare_fini(struct comparison *c);

/* The worst that grew significantly and by more than this part of the old total: the function that
 * grew most by itself; else, with what it calls, one that is little more than its growth; else all.
 * NULL: none. how: "", " with what it calls"; n: how many there are. */
const struct change *compare_worst(
	const struct comparison *c, double part, const char **how, uint32_t *n);

/* For people, in pprof's manner, and as JSON: at most lines rows of each table. part: as of
 * compare_worst; negative: not asked. 0 or -errno. */
int compare_text(const struct comparison *c, uint32_t lines, double part, struct buf *out);
int compare_json(const struct comparison *c, uint32_t lines, double part, struct buf *out);

#endif
