/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/measure.h"

static const struct measure times[] = {
	{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"hrs", 3600e9}};

static const struct measure sizes[] = {
	{"B", 1}, {"kB", 1ull << 10}, {"MB", 1ull << 20}, {"GB", 1ull << 30}, {"TB", 1ull << 40}};

_Static_assert(sizeof(times) == sizeof(sizes), "as many units of either");

struct measure measure_of(int64_t value, enum measure_of of)
{
	const struct measure *units = of == MEASURE_BYTES ? sizes : times;
	struct measure best = of == MEASURE_COUNT ? (struct measure){"", 1} : units[0];

	for (size_t i = 0; of != MEASURE_COUNT && i < sizeof(times) / sizeof(*times); i++)
		if (value >= units[i].factor)
			best = units[i];
	return best;
}

struct measure measure_for_table(int64_t smallest, int64_t largest, enum measure_of of)
{
	struct measure low = measure_of(smallest, of), high = measure_of(largest, of);

	/* A larger unit shows the smallest value as 0.01 at least. */
	if (strcmp(low.unit, high.unit) != 0 && smallest <= (largest - 1) / 100)
		return measure_of(smallest * 100, of);
	return low;
}

char *measure_value(char *out, size_t room, int64_t value, struct measure in)
{
	size_t n;

	if (!value || in.factor == 1) {
		snprintf(out, room, "%" PRId64 "%s", value, value ? in.unit : "");
		return out;
	}
	snprintf(out, room, "%.2f", value / in.factor);
	n = strlen(out);
	if (n > 3 && !strcmp(out + n - 3, ".00"))
		out[n - 3] = '\0';
	n = strlen(out);
	snprintf(out + n, room - n, "%s", in.unit);
	return out;
}

char *measure_percent(char *out, size_t room, int64_t value, int64_t total)
{
	double ratio = total ? 100.0 * value / total : 0;

	if (ratio < 0)
		ratio = -ratio;
	if (ratio >= 99.95 && ratio <= 100.05)
		snprintf(out, room, "  100%%");
	else
		snprintf(out, room, ratio >= 1 ? "%5.2f%%" : "%5.2g%%", ratio);
	return out;
}
