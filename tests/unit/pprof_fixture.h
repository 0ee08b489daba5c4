/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile as it is read, made by hand: functions of one line each, below main, and their values.
 */
#ifndef TESTS_PPROF_FIXTURE_H
#define TESTS_PPROF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/profile.pb-c.h"

enum { MADE_MOST = 64, MADE_DEPTH = 8 };

struct made {
	Perftools__Profiles__Profile p;
	Perftools__Profiles__ValueType types[4], period, *type_list[4];
	Perftools__Profiles__Mapping mapping, *mapping_list[1];
	Perftools__Profiles__Function functions[MADE_MOST], *function_list[MADE_MOST];
	Perftools__Profiles__Line lines[MADE_MOST], *line_list[MADE_MOST];
	Perftools__Profiles__Location locations[MADE_MOST], *location_list[MADE_MOST];
	Perftools__Profiles__Sample samples[MADE_MOST], *sample_list[MADE_MOST];
	uint64_t stacks[MADE_MOST][MADE_DEPTH];
	int64_t values[MADE_MOST][4];
	char *strings[MADE_MOST * 2];
};

/* Texts must stay where they are. */
static inline int64_t made_string(struct made *m, const char *text)
{
	size_t i = 0;

	while (i < m->p.n_string_table && strcmp(m->strings[i], text) != 0)
		i++;
	if (i == m->p.n_string_table)
		m->strings[m->p.n_string_table++] = (char *)text;
	return i;
}

/* types: name, unit, name, unit ..., NULL; the last is of the period. */
static inline void made_begin(struct made *m, int64_t period, const char *const *types)
{
	Perftools__Profiles__Profile *p = &m->p;

	memset(m, 0, sizeof(*m));
	perftools__profiles__profile__init(p);
	p->string_table = m->strings;
	p->sample_type = m->type_list;
	p->mapping = m->mapping_list;
	p->function = m->function_list;
	p->location = m->location_list;
	p->sample = m->sample_list;
	made_string(m, "");
	for (; types[2]; types += 2) {
		m->type_list[p->n_sample_type] = &m->types[p->n_sample_type];
		perftools__profiles__value_type__init(&m->types[p->n_sample_type]);
		m->types[p->n_sample_type].type = made_string(m, types[0]);
		m->types[p->n_sample_type++].unit = made_string(m, types[1]);
	}
	perftools__profiles__value_type__init(&m->period);
	m->period.type = made_string(m, types[0]);
	m->period.unit = made_string(m, types[1]);
	p->period_type = &m->period;
	p->period = period;
	p->time_nanos = 1;
	perftools__profiles__mapping__init(&m->mapping);
	m->mapping.id = 1;
	m->mapping.filename = made_string(m, "/usr/bin/app");
	m->mapping.build_id = made_string(m, "abcd");
	m->mapping_list[p->n_mapping++] = &m->mapping;
}

/* The id of a location in it. */
static inline uint64_t made_function(struct made *m, const char *name, const char *file, int line)
{
	size_t i = m->p.n_location;

	perftools__profiles__function__init(&m->functions[i]);
	m->functions[i].id = i + 1;
	m->functions[i].name = made_string(m, name);
	m->functions[i].filename = made_string(m, file);
	perftools__profiles__line__init(&m->lines[i]);
	m->lines[i].function_id = i + 1;
	m->lines[i].line = line;
	perftools__profiles__location__init(&m->locations[i]);
	m->locations[i].id = i + 1;
	m->locations[i].mapping_id = 1;
	m->line_list[i] = &m->lines[i];
	m->locations[i].line = &m->line_list[i];
	m->locations[i].n_line = 1;
	m->function_list[m->p.n_function++] = &m->functions[i];
	m->location_list[m->p.n_location++] = &m->locations[i];
	return i + 1;
}

/* Its values, to be filled in; stack: leaf first, ends with 0. */
static inline int64_t *made_sample(struct made *m, const uint64_t *stack)
{
	size_t i = m->p.n_sample++;
	Perftools__Profiles__Sample *s = &m->samples[i];

	perftools__profiles__sample__init(s);
	while (s->n_location_id < MADE_DEPTH && stack[s->n_location_id]) {
		m->stacks[i][s->n_location_id] = stack[s->n_location_id];
		s->n_location_id++;
	}
	s->location_id = m->stacks[i];
	s->value = m->values[i];
	s->n_value = m->p.n_sample_type;
	m->sample_list[i] = s;
	return m->values[i];
}

#define MADE_STACK(...)                                                                            \
	(const uint64_t[MADE_DEPTH])                                                               \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

#define MADE_HEAP                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		"alloc_objects", "count", "alloc_space", "bytes", "inuse_objects", "count",        \
			"inuse_space", "bytes", "space", "bytes", NULL                             \
	}

#define MADE_CPU                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		"samples", "count", "cpu", "nanoseconds", "cpu", "nanoseconds", NULL               \
	}

#endif
