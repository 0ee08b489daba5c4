/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/stats: percentiles of the pauses, and figures added up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/stats.h"

#define US 1000ull

/* A bucket is an eighth of its doubling: its upper edge is at most 12.5 % above what is in it, and
 * never below. */
static void assert_close_above(double got, double us)
{
	assert_true(got > us);
	assert_true(got <= us * 1.125);
}

static struct tracer_stats *fresh(void)
{
	static struct tracer_stats s;

	memset(&s, 0, sizeof(s));
	return &s;
}

static void one_pause_is_every_percentile(void **state)
{
	(void)state;
	/* Every whole microsecond up to 2 ms, then in steps of about 3 % up to 500 s. */
	for (uint64_t ns = US; ns < 500ull * 1000 * 1000 * US;
		ns += ns < 2000 * US ? US : ns / 32) {
		struct tracer_stats *s = fresh();
		stats_add_stop(s, ns, 0);
		assert_int_equal(s->stops, 1);
		assert_int_equal(s->stop_ns, ns);
		assert_close_above(stats_stop_us(s, 0.5), ns / 1000.0);
		assert_close_above(stats_stop_us(s, 0.99), ns / 1000.0);
		assert_close_above(stats_stop_us(s, 0), ns / 1000.0);
		assert_close_above(stats_stop_us(s, 1), ns / 1000.0);
	}
}

/* 1 us = 8 eighths: buckets 24 to 31 are [1, 2) us in steps of an eighth, 32 to 39 [2, 4). */
static void edges_by_hand(void **state)
{
	(void)state;
	static const struct {
		uint64_t ns;
		double edge;
	} cases[] = {{1000, 1.125}, {1124, 1.125}, {1125, 1.25}, {1999, 2}, {2000, 2.25},
		{2249, 2.25}, {2250, 2.5}, {3999, 4}, {16000, 18}, {17999, 18}, {18000, 20},
		{1024000, 1152}, {1048576000, 1179648}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tracer_stats *s = fresh();
		stats_add_stop(s, cases[i].ns, 0);
		assert_true(stats_stop_us(s, 0.5) == cases[i].edge);
	}
}

/* A thousand pauses of 1 to 1000 us in any order: p50 is 500, p99 990, p100 1000. */
static void percentiles_of_a_known_set(void **state)
{
	(void)state;
	struct tracer_stats *s = fresh();
	for (uint64_t i = 0; i < 1000; i++)
		stats_add_stop(s, (1 + i * 617 % 1000) * US, 0);
	assert_int_equal(s->stops, 1000);
	assert_int_equal(s->stop_ns, 500500 * US);
	for (int percent = 1; percent <= 100; percent++)
		assert_close_above(stats_stop_us(s, percent / 100.0), percent * 10);
	assert_close_above(stats_stop_us(s, 0.001), 1);
	assert_close_above(stats_stop_us(s, 0.999), 999);
}

/* Ninety-nine short pauses and a long one: only above 99 % does the long one show. */
static void a_single_long_pause_is_the_last_percent(void **state)
{
	(void)state;
	struct tracer_stats *s = fresh();
	stats_add_stop(s, 50000 * US, 0);
	for (int i = 0; i < 99; i++)
		stats_add_stop(s, 10 * US, 0);
	assert_close_above(stats_stop_us(s, 0.5), 10);
	assert_close_above(stats_stop_us(s, 0.99), 10);
	assert_close_above(stats_stop_us(s, 0.995), 50000);
	assert_close_above(stats_stop_us(s, 1), 50000);
}

static void the_extremes_have_a_bucket(void **state)
{
	(void)state;
	struct tracer_stats *s = fresh();
	assert_true(stats_stop_us(s, 0.5) == 0);
	assert_true(stats_stop_us(s, 1) == 0);
	stats_add_stop(s, 0, 0);
	assert_true(stats_stop_us(s, 1) > 0 && stats_stop_us(s, 1) < 1);
	stats_add_stop(s, UINT64_MAX, 0);
	stats_add_stop(s, UINT64_MAX / 2, 0);
	assert_int_equal(s->stops, 3);
	assert_int_equal(s->stop_us[0], 1);
	assert_int_equal(s->stop_us[STATS_BUCKETS - 1], 2);
	/* The last bucket's upper edge: 2^32 eighths of a microsecond. */
	assert_true(stats_stop_us(s, 1) == 4294967296.0 / 8);
}

/* Longer pauses never fall into a lower bucket. */
static void buckets_are_in_order(void **state)
{
	(void)state;
	unsigned last = 0;
	for (uint64_t ns = 0; ns < 1ull << 40; ns += 1 + ns / 100) {
		struct tracer_stats *s = fresh();
		stats_add_stop(s, ns, 0);
		unsigned b = 0;
		while (!s->stop_us[b])
			b++;
		assert_true(b < STATS_BUCKETS && b >= last);
		last = b;
	}
	assert_true(last == STATS_BUCKETS - 1);
}

/* Each member has a value of its own; what is summed and what is taken over is told by hand. */
static void fill(struct tracer_stats *s, uint64_t by)
{
	s->ticks = 2 * by;
	s->ticks_missed = 3 * by;
	s->ticks_late = 4 * by;
	s->ticks_weight = 50 * by;
	s->taken = 5 * by;
	for (unsigned i = 0; i < PROFILE_KINDS; i++)
		s->captured[i] = (40 + i) * by;
	for (unsigned i = 0; i < SKIPS; i++)
		s->skipped[i] = (7 + i) * by;
	s->stops = 20 * by;
	s->stop_ns = 21 * by;
	s->queued_stops = 30 * by;
	s->queued_ns = 31 * by;
	s->repaired = 22 * by;
	s->failed = 32 * by;
	s->cut_short = 23 * by;
	s->rescued = 24 * by;
	s->signals = 25 * by;
	s->unseen_ns = 33 * by;
	s->slowed_ns = 34 * by;
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		s->stop_us[i] = i * by;
	s->threads_now = 26 * by;
	s->threads_seen = 27 * by;
	s->processes_now = 35 * by;
	s->execs = 28 * by;
	s->maps_failed = 29 * by;
}

static void every_figure_is_added_once(void **state)
{
	(void)state;
	static struct tracer_stats to, from, sum;
	fill(&to, 100);
	fill(&from, 1);
	fill(&sum, 101);
	sum.threads_now = 26;
	sum.processes_now = 35;
	stats_add(&to, &from);
	assert_memory_equal(&to, &sum, sizeof(sum));
}

static void a_tracer_without_figures_adds_nothing(void **state)
{
	(void)state;
	static struct tracer_stats to, from, sum;
	fill(&to, 7);
	fill(&sum, 7);
	sum.threads_now = sum.processes_now = 0;
	stats_add(&to, &from);
	assert_memory_equal(&to, &sum, sizeof(sum));
}

/* What an interval counted: all figures but those of the present, which stay as they are. */
static void every_figure_is_subtracted_once(void **state)
{
	(void)state;
	static struct tracer_stats from, less, rest;
	fill(&from, 100);
	fill(&less, 1);
	fill(&rest, 99);
	rest.threads_now = 2600;
	rest.processes_now = 3500;
	stats_subtract(&from, &less);
	assert_memory_equal(&from, &rest, sizeof(rest));
}

/* Of 100 stops 60 waited for a CPU of others: they are counted, but no pause of ours. */
static void a_wait_for_others_is_no_pause(void **state)
{
	(void)state;
	struct tracer_stats *s = fresh();
	for (int i = 0; i < 60; i++)
		stats_add_stop(s, 5000 * US, STATS_OURS + i);
	for (uint64_t i = 1; i <= 40; i++)
		stats_add_stop(s, i * US, i == 1 ? STATS_OURS - 1 : 0);
	assert_int_equal(s->stops, 100);
	assert_int_equal(s->queued_stops, 60);
	assert_int_equal(s->queued_ns, 60 * 5000 * US);
	assert_int_equal(s->stop_ns, 820 * US);
	assert_close_above(stats_stop_us(s, 0.5), 20);
	assert_close_above(stats_stop_us(s, 1), 40);
}

static void histograms_add_up_to_the_whole(void **state)
{
	(void)state;
	static struct tracer_stats a, b, all;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&all, 0, sizeof(all));
	for (uint64_t i = 1; i <= 1000; i++) {
		stats_add_stop(i % 3 ? &a : &b, i * US, 0);
		stats_add_stop(&all, i * US, 0);
	}
	stats_add(&a, &b);
	assert_memory_equal(&a, &all, sizeof(a));
	assert_close_above(stats_stop_us(&a, 0.99), 990);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pause_is_every_percentile),
		cmocka_unit_test(edges_by_hand),
		cmocka_unit_test(percentiles_of_a_known_set),
		cmocka_unit_test(a_single_long_pause_is_the_last_percent),
		cmocka_unit_test(the_extremes_have_a_bucket),
		cmocka_unit_test(buckets_are_in_order),
		cmocka_unit_test(every_figure_is_added_once),
		cmocka_unit_test(a_tracer_without_figures_adds_nothing),
		cmocka_unit_test(every_figure_is_subtracted_once),
		cmocka_unit_test(a_wait_for_others_is_no_pause),
		cmocka_unit_test(histograms_add_up_to_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
