/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/measure.h"

static const struct measure times[] = {
	{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"hrs", 3600e9}};

struct measure measure_of(int64_t value, int is_time)
{
	struct measure best = is_time ? times[0] : (struct measure){"", 1};

	for (size_t i = 0; is_time && i < sizeof(times) / sizeof(*times); i++)
		if (value >= times[i].factor)
			best = times[i];
	return best;
}

struct measure measure_for_table(int64_t smallest, int64_t largest, int is_time)
{
	struct measure low = measure_of(smallest, is_time), high = measure_of(largest, is_time);

	/* A larger unit shows the smallest value as 0.01 at least. */
	if (strcmp(low.unit, high.unit) != 0 && smallest <= (largest - 1) / 100)
		return measure_of(smallest * 100, is_time);
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
