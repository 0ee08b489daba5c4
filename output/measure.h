/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values and percentages as go tool pprof prints them.
 */
#ifndef OUTPUT_MEASURE_H
#define OUTPUT_MEASURE_H

#include <stddef.h>
#include <stdint.h>

struct measure {
	const char *unit; /* "" for plain counts */
	double factor;	  /* nanoseconds in one unit */
};

/* What a value is of: pprof shows bytes in powers of 1024. */
enum measure_of { MEASURE_COUNT, MEASURE_TIME, MEASURE_BYTES };

/* The largest unit in which value is at least 1. Counts have no unit. */
struct measure measure_of(int64_t value, enum measure_of of);

/* The one unit for a table whose smallest and largest values these are. */
struct measure measure_for_table(int64_t smallest, int64_t largest, enum measure_of of);

/* Both return out, cut at room. */
char *measure_value(char *out, size_t room, int64_t value, struct measure in);
char *measure_percent(char *out, size_t room, int64_t value, int64_t total);

#endif
