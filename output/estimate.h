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
	double objects, bytes;
	double variance; /* of bytes, itself estimated without bias */
	uint64_t samples;
};

void estimate_add(struct estimate *e, const struct heap_sample *s);

/* Standard error of the bytes, as a part of them; 0 without any. */
double estimate_error(const struct estimate *e);

#endif
