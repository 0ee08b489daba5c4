/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of a profile's values is chance: the variance of each, from what the profile says of its
 * own sampling. Never less than it is, but where said.
 *
 * Bytes of allocations, sampled with P = 1 - exp(-S / R) by their size S (as Go, jemalloc, tcmalloc
 * and we do): the sum over the sampled of (S/P)^2 (1-P), which is N R^2 h(S/R) of N allocations of
 * one size, h(x) = x^2 / (e^x - 1). Of mixed sizes only their average is known, and the most it
 * can be is by the smallest concave function above h: h itself until its maximum, then that.
 *
 * Times, and others that come with a count: as many samples of equal weight, v^2 / count.
 *
 * Counts that were not sampled (threads, goroutines) have none.
 */
#ifndef OUTPUT_SAMPLING_H
#define OUTPUT_SAMPLING_H

#include "output/profile.pb-c.h"

enum sampling_way {
	SAMPLING_NONE,	  /* counted */
	SAMPLING_BYTES,	  /* of allocations */
	SAMPLING_OBJECTS, /* allocations; of mixed sizes this may be more than is said */
	SAMPLING_COUNTED, /* the profile has the count of samples, too */
	SAMPLING_PERIOD,  /* each sample stands for the period */
	SAMPLING_EACH,	  /* nothing is known: each entry is one sample */
};

struct sampling {
	enum sampling_way way;
	size_t main,
		other; /* types: whose value it is; objects of bytes, bytes of objects, count */
	int has_other;
	double period; /* what one sample stands for; R */
};

/* Of the values of that type. Strings must be in the table (tally.c looks). */
struct sampling sampling_of(const Perftools__Profiles__Profile *p, size_t main);

/* Of one sample's value. */
double sampling_variance(const struct sampling *s, const int64_t *values);

#endif
