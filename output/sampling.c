/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "output/sampling.h"

/* Where x^2 / (e^x - 1) is largest, and how large. */
#define PEAK_AT 1.5936242600400401
#define PEAK	0.6476102378919149

typedef Perftools__Profiles__Profile Profile;

static const char *type_name(const Profile *p, size_t type)
{
	return p->string_table[p->sample_type[type]->type];
}

static const char *type_unit(const Profile *p, size_t type)
{
	return p->string_table[p->sample_type[type]->unit];
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* The type of that name but for its end, as alloc_space and alloc_objects. */
static int find_partner(const Profile *p, struct sampling *s, const char *end, const char *other)
{
	const char *name = type_name(p, s->main);

	if (!ends_with(name, end))
		return 0;
	size_t stem = strlen(name) - strlen(end);
	for (s->other = 0; s->other < p->n_sample_type; s->other++) {
		const char *found = type_name(p, s->other);
		if (!strncmp(found, name, stem) && !strcmp(found + stem, other))
			return 1;
	}
	return 0;
}

static int find_count(const Profile *p, struct sampling *s)
{
	for (s->other = 0; s->other < p->n_sample_type; s->other++)
		if (s->other != s->main && !strcmp(type_unit(p, s->other), "count"))
			return 1;
	return 0;
}

struct sampling sampling_of(const Profile *p, size_t main)
{
	struct sampling s = {.main = main, .period = p->period > 0 ? p->period : 1};
	const char *unit = type_unit(p, main), *of = "";

	if (p->period_type)
		of = p->string_table[p->period_type->unit];
	if (!strcmp(of, "bytes") && !strcmp(unit, "bytes")) {
		s.way = SAMPLING_BYTES;
		s.has_other = find_partner(p, &s, "space", "objects");
	} else if (!strcmp(of, "bytes") && find_partner(p, &s, "objects", "space")) {
		s.way = SAMPLING_OBJECTS;
		s.has_other = 1;
	} else if (!strcmp(unit, "count")) {
		int is_own = !strcmp(of, "count");
		s.way = is_own && s.period <= 1 ? SAMPLING_NONE : SAMPLING_PERIOD;
		s.period = is_own ? s.period : 1;
	} else if (find_count(p, &s)) {
		s.way = SAMPLING_COUNTED;
		s.has_other = 1;
		s.period = strcmp(of, unit) ? 0 : s.period;
	} else {
		s.way = strcmp(of, unit) ? SAMPLING_EACH : SAMPLING_PERIOD;
	}
	return s;
}

static double of_bytes(double bytes, double objects, double rate)
{
	if (objects <= 0)
		return rate * bytes;
	/* Each sample's objects may have been rounded, and there are no more of them than that. */
	objects += fmin(objects, bytes / rate) / 2;
	double x = bytes / objects / rate;
	return objects * rate * rate * (x < PEAK_AT ? x * x / expm1(x) : PEAK);
}

double sampling_variance(const struct sampling *s, const int64_t *values)
{
	double value = fabs((double)values[s->main]);
	double other = s->has_other ? fabs((double)values[s->other]) : 0;

	if (value == 0)
		return 0;
	switch (s->way) {
	case SAMPLING_NONE:
		return 0;
	case SAMPLING_BYTES:
		return of_bytes(value, other, s->period);
	case SAMPLING_OBJECTS:
		return other > 0 ? value / expm1(other / value / s->period) : value * value;
	case SAMPLING_COUNTED:
		if (other > 0)
			return value * value / other;
		return s->period > 0 ? value * s->period : value * value;
	case SAMPLING_PERIOD:
		return value * s->period;
	case SAMPLING_EACH:
		break;
	}
	return value * value;
}
