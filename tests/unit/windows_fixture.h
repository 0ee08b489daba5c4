/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of agent/windows: a run that serves, cut into intervals by hand; time is told by
 * hand.
 */
#ifndef TESTS_UNIT_WINDOWS_FIXTURE_H
#define TESTS_UNIT_WINDOWS_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/session.h"
#include "output/estimate.h"
#include "output/table.h"

#define MS	1000000ull
#define SECOND	(1000 * MS)
#define APART	(25 * MS)
#define CPU	KIND(PROFILE_CPU)
#define WALL	KIND(PROFILE_WALL)
#define THREADS KIND(PROFILE_THREADS)
#define CREATE	KIND(PROFILE_THREADCREATE)
#define HEAP	KIND(PROFILE_HEAP)

static struct options options;
static struct session s;
static struct interval i;
static struct tracer_mode mode, before;
static uint64_t now;

static inline int begin(void **state)
{
	(void)state;
	options = (struct options){.hz = 100, .background = 0};
	s = (struct session){.options = &options};
	now = 1000 * SECOND;
	i = (struct interval){0};
	if (windows_init(&s.windows) < 0)
		return -1;
	windows_first_mode(&s, &mode);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	windows_fini(&s.windows);
	interval_fini(&i);
	return 0;
}

static inline struct window *ask(uint32_t kinds, uint32_t flags, uint64_t length)
{
	const struct window how = {.kinds = kinds, .flags = flags, .length = length};

	return windows_add(&s.windows, &how);
}

/* The open interval ends after ms; in it one stack of each kind was taken, at that place. */
static inline void mark(uint64_t ms, uint64_t place)
{
	const struct thread_info t = {.pid = 1, .tid = 1};
	const struct frame frame = {place, 1, 0};
	uint64_t began = now;

	now += ms * MS;
	interval_fini(&i);
	assert_int_equal(interval_init(&i, i.number + 1), 0);
	interval_thread(&i, 1, &t);
	i.began = began;
	i.ended = now;
	const struct worker_stack w = {.kinds = mode.kinds,
		.looks = 1,
		.contentions = 1,
		.weight = WEIGHT_ONE,
		.end = STACK_DONE,
		.n = 1};
	if (mode.kinds)
		assert_int_equal(interval_add_stack(&i, &w, &frame, 0), 0);
	if (mode.kinds & KINDS_OF_TICKS)
		i.stats.ticks_weight = WEIGHT_ONE;
	before = mode;
	windows_mark(&s, now, &mode);
	windows_take(&s, &i, &before);
}

static inline int one(void *arg, const struct table_entry *e)
{
	*(uint64_t *)arg |= 1ull << e->frames[0].offset;
	return 0;
}

/* The places that its profile has, a bit for each. */
static inline uint64_t places(const struct window *w, enum profile_kind kind)
{
	uint64_t found = 0;

	table_each(w->sum.tables[kind], one, &found);
	return found;
}

static inline void drop_all(void)
{
	while (s.windows.first)
		windows_drop(&s.windows, s.windows.first);
}

#endif
