/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "output/estimate.h"

void estimate_add(struct estimate *e, const struct heap_sample *s)
{
	double p = -expm1(-(double)s->size / (double)s->mean), bytes = s->size / p;

	e->objects += 1 / p;
	e->bytes += bytes;
	/* Horvitz and Thompson: each of the sampled contributes (S/P)^2 (1 - P). */
	e->variance += bytes * bytes * (1 - p);
	e->samples++;
}

double estimate_error(const struct estimate *e)
{
	return e->bytes > 0 ? sqrt(e->variance) / e->bytes : 0;
}
