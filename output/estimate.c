/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "output/estimate.h"

/* Sums of such are exact up to 2^41 objects and 2^49 bytes of a stack, in whatever order. */
#define PARTS_OF_OBJECT 4096.0
#define PARTS_OF_BYTE	16.0

static double in_steps(double value, double parts)
{
	return rint(value * parts) / parts;
}

void estimate_add(struct estimate *e, const struct heap_sample *s)
{
	double p = -expm1(-(double)s->size / (double)s->mean), bytes = s->size / p;

	e->objects += in_steps(1 / p, PARTS_OF_OBJECT);
	e->bytes += in_steps(bytes, PARTS_OF_BYTE);
	/* Horvitz and Thompson: each of the sampled contributes (S/P)^2 (1 - P). */
	e->variance += bytes * bytes * (1 - p);
	e->samples++;
}

void estimate_join(struct estimate *e, const struct estimate *other)
{
	e->objects += other->objects;
	e->bytes += other->bytes;
	e->variance += other->variance;
	e->samples += other->samples;
}

void estimate_subtract(struct estimate *e, const struct estimate *less)
{
	e->objects -= less->objects;
	e->bytes -= less->bytes;
	e->variance = e->variance > less->variance ? e->variance - less->variance : 0;
	e->samples -= less->samples;
}

double estimate_error(const struct estimate *e)
{
	return e->bytes > 0 ? sqrt(e->variance) / e->bytes : 0;
}
