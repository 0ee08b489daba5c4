/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run says of itself, for figures put in by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/summary.h"
#include "base/log.h"
#include "config.h"
#include "output/table.h"

static struct options options;
static struct session s;
static struct buf out;

static int begin(void **state)
{
	(void)state;
	options = (struct options){.pid = 4711, .kinds = 3, .hz = 100};
	s = (struct session){.options = &options, .began = 0, .ended = 2000000000};
	s.data.attached = (struct tracer_attached){.pid = 4711, .comm = "app"};
	buf_init(&out, 64 * KIB);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		s.data.tables[kind] = table_new();
	return !s.data.tables[0] || !s.data.tables[1];
}

static int end(void **state)
{
	(void)state;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		table_free(s.data.tables[kind]);
	buf_fini(&out);
	log_set_level(LOG_NORMAL);
	return 0;
}

static const char *comments(enum profile_kind kind)
{
	buf_clear(&out);
	summary_comments(&s, kind, &out);
	return buf_text(&out);
}

/* At most four lines, none of them long. */
static void assert_short(const char *text)
{
	unsigned lines = 0;
	for (; *text; text += strcspn(text, "\n") + 1, lines++)
		assert_in_range(strcspn(text, "\n"), 1, 200);
	assert_in_range(lines, 1, 4);
}

static void put(enum profile_kind kind, uint32_t flags, uint64_t count)
{
	static struct stack stack = {.n = 2, .end = STACK_DONE, .v = {{0x10, 1, 0}, {0x20, 1, 0}}};
	stack.v[1].flags = FRAME_RETURN | flags;
	assert_int_equal(table_add(s.data.tables[kind], &stack, 0, 0, count), 0);
	s.data.received[kind] += count;
	s.data.ends[kind][STACK_DONE] += count;
}

static void comments_are_four_short_lines(void **state)
{
	(void)state;
	s.data.now = (struct tracer_stats){.ticks = 200,
		.ticks_missed = 2,
		.ticks_late = 3,
		.samples = 104,
		.snapshots = 9,
		.stops = 100,
		.cut_short = 6,
		.skipped[SKIP_RING_FULL] = 5};
	put(PROFILE_CPU, 0, 93);
	put(PROFILE_CPU, FRAME_GUESSED, 7);
	put(PROFILE_THREADS, FRAME_GUESSED, 1);
	put(PROFILE_THREADS, 0, 7);
	s.data.received[PROFILE_THREADS]++;
	s.data.clock_end = 1500000000;
	assert_string_equal(comments(PROFILE_CPU),
		"cpprof-attach " PACKAGE_VERSION ", pid 4711 (app), 100 Hz\n"
		"samples 100 at 200 ticks: missed 2, late 3, lost 4, no room 5; guessed 7 stacks\n"
		"CPU 0.000s in the profile, 1.500s by the process clock (-100.00%); 0.000s of "
		"threads that ended unseen\n"
		"stops 100, p50 0us, p99 0us; 100.0% of the stacks complete; 6 calls may be cut "
		"short\n");
	assert_short(out.data);
	assert_string_equal(comments(PROFILE_THREADS),
		"cpprof-attach " PACKAGE_VERSION ", pid 4711 (app), 100 Hz\n"
		"threads 9: lost 0; guessed 1 stacks\n"
		"stops 100, p50 0us, p99 0us; 88.9% of the stacks complete; 6 calls may be cut "
		"short\n");
}

/* The target chooses its name, and any figure may be huge. */
static void comments_stay_short_whatever_happens(void **state)
{
	(void)state;
	memset(s.data.attached.comm, '\n', sizeof(s.data.attached.comm) - 1);
	s.data.now = (struct tracer_stats){.ticks = UINT64_MAX / 2,
		.ticks_missed = UINT64_MAX / 2,
		.ticks_late = UINT64_MAX / 2,
		.samples = UINT64_MAX / 2,
		.skipped[SKIP_RING_FULL] = UINT64_MAX / 2,
		.stops = UINT64_MAX / 2,
		.cut_short = UINT64_MAX / 2};
	put(PROFILE_CPU, 0, UINT64_MAX / 4);
	s.data.clock_end = UINT64_MAX / 2;
	assert_short(comments(PROFILE_CPU));
	assert_non_null(strstr(out.data, "(\\x0a\\x0a"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comments_are_four_short_lines),
		TEST(comments_stay_short_whatever_happens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
