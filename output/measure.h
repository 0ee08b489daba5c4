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

/* The largest unit of time in which value is at least 1. Counts have no unit. */
struct measure measure_of(int64_t value, int is_time);

/* The one unit for a table whose smallest and largest values these are. */
struct measure measure_for_table(int64_t smallest, int64_t largest, int is_time);

/* Both return out, cut at room. */
char *measure_value(char *out, size_t room, int64_t value, struct measure in);
char *measure_percent(char *out, size_t room, int64_t value, int64_t total);

#endif
