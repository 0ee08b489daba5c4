/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/values.h"
#include "base/log.h"
#include "base/now.h"

int values_bad(const char *name, const char *value, const char *wanted)
{
	log_error("-%s: \"%s\" is not %s", name, value, wanted);
	return -EINVAL;
}

int values_number(const char *name, const char *value, long low, long high, long *out)
{
	char *end, wanted[80];

	errno = 0;
	*out = strtol(value, &end, 10);
	if (!errno && end != value && !*end && *out >= low && *out <= high)
		return 0;
	snprintf(wanted, sizeof(wanted), "a number from %ld to %ld", low, high);
	return values_bad(name, value, wanted);
}

int values_duration(const char *name, const char *value, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {{"ms", 1e-3}, {"h", 3600}, {"m", 60}, {"s", 1}};
	double total = 0;
	const char *p = value;

	do {
		char *end;
		double part = strtod(p, &end);
		if (end == p || !(part >= 0))
			return values_bad(name, value, "a duration such as 60, 1m30s or 0");
		double scale = *end ? 0 : 1;
		for (size_t i = 0; *end && i < 4 && !scale; i++)
			if (!strncmp(end, units[i].unit, strlen(units[i].unit))) {
				scale = units[i].seconds;
				end += strlen(units[i].unit);
			}
		if (!scale)
			return values_bad(name, value, "a duration such as 60, 1m30s or 0");
		total += part * scale;
		p = end;
	} while (*p);
	if (total > 365 * 86400.0)
		return values_bad(name, value, "a duration of at most a year");
	*ns = total * SECOND;
	return 0;
}

int values_percent(const char *name, const char *value, uint32_t *out)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || (*end && strcmp(end, "%")) || !(percent >= 0.01 && percent <= 100))
		return values_bad(name, value, "a percentage from 0.01 to 100");
	*out = percent >= 100 ? 0 : percent * 10000 + 0.5;
	return 0;
}

int values_pattern(const char *name, const char *value, size_t size)
{
	char why[128];
	regex_t pattern;

	if (!*value || strlen(value) >= size) {
		log_error("-%s: \"%s\" is not a regular expression of 1 to %zu bytes", name, value,
			size - 1);
		return -EINVAL;
	}
	int error = regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB);
	if (error) {
		regerror(error, &pattern, why, sizeof(why));
		log_error("-%s: \"%s\" is not a regular expression as grep -E takes: %s", name,
			value, why);
		return -EINVAL;
	}
	regfree(&pattern);
	return 0;
}

int values_pick(
	const char *name, const char *word, const char *const *list, int n, const char *wanted)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return i;
	return values_bad(name, word, wanted);
}
