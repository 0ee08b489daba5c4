/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sampled allocation stands for. Gaps between samples are exponential with that mean, so one
 * of S bytes is sampled with P = 1 - exp(-S / mean), whatever its size, and stands for 1 / P
 * allocations: that makes every sum unbiased.
 */
#ifndef OUTPUT_ESTIMATE_H
#define OUTPUT_ESTIMATE_H

#include "output/types.h"

struct estimate {
	double objects, bytes; /* whole multiples of a small step, so that their order is nothing */
	double variance;       /* of bytes, itself estimated without bias */
	uint64_t samples;
};

/* What the samples of one stack stand for: all of them, and those that are alive. */
struct heap_site {
	struct estimate all, live;
};

void estimate_add(struct estimate *e, const struct heap_sample *s);

void estimate_join(struct estimate *e, const struct estimate *other);

/* What came since less; of what is alive it may be negative, and then has no variance. */
void estimate_subtract(struct estimate *e, const struct estimate *less);

/* Standard error of the bytes, as a part of them; 0 without any. */
double estimate_error(const struct estimate *e);

#endif
