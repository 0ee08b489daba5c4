/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/tracer/budget: what the pauses take, for streams of stops made up here. Time is invented:
 * the target uses one CPU all the time, and each tick pauses it for as long as the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/budget.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/stats.h"

#define US	1000ull
#define SECOND	1000000000ull
#define PERCENT 10000u /* in 1/1000000 */

struct run {
	struct budget budget;
	struct tracer_stats stats;
	uint64_t cpu; /* the target's, ns */
	uint32_t hz, slow;
};

static struct run run;

static void begin(uint32_t hz, uint32_t most)
{
	run = (struct run){.cpu = 7 * SECOND, .hz = hz, .slow = CLOCK_ONE};
	budget_init(&run.budget, most, run.cpu);
}

/* One tick as the tracer takes it; the next is a period later. */
static void tick(uint64_t pause, uint64_t queued)
{
	stats_add_stop(&run.stats, pause, queued);
	run.cpu += SECOND / run.hz * run.slow / CLOCK_ONE;
	if (budget_is_due(&run.budget, &run.stats))
		run.slow = budget_review(&run.budget, &run.stats, run.cpu, run.slow);
	assert_in_range(run.slow, CLOCK_ONE, 64 * CLOCK_ONE);
}

/* The share of the CPU time that n more pauses take, in 1/1000000. */
static double share_of(unsigned n, uint64_t pause)
{
	uint64_t before = run.cpu;

	for (unsigned i = 0; i < n; i++)
		tick(pause, 0);
	return 1e6 * n * pause / (run.cpu - before);
}

static const uint32_t rates[] = {97, 100, 250, 1000, 10000};
static const uint32_t budgets[] = {PERCENT / 2, PERCENT, 2 * PERCENT, 10 * PERCENT};

/* Enough stops for several reviews, which come every 50 ms at the earliest. */
#define SETTLED 4000

static void the_share_settles_within_the_budget(void **state)
{
	(void)state;
	for (size_t r = 0; r < 5; r++)
		for (size_t b = 0; b < 4; b++)
			for (uint64_t pause = 10 * US; pause < 5000 * US; pause += pause / 7) {
				double most = budgets[b], alone = 1e-3 * pause * rates[r];
				if (alone > 60 * most)
					continue; /* beyond the slowest */
				begin(rates[r], budgets[b]);
				share_of(SETTLED, pause);
				double share = share_of(SETTLED, pause);
				assert_true(share <= most);
				assert_true(share >= 0.75 * most || run.slow == CLOCK_ONE);
				/* A median is up to an eighth too large. */
				if (alone < most / 1.125)
					assert_int_equal(run.slow, CLOCK_ONE);
				if (alone > most)
					assert_true(run.slow > CLOCK_ONE);
			}
}

/* The pauses grow and shrink again, a twentieth each time: the rate follows both ways. It rises
 * only where it is worth it, below 0.81 of the budget, by a median that is up to an eighth too
 * large. */
static void the_rate_follows_the_pauses(void **state)
{
	(void)state;
	const double most = 2 * PERCENT;
	uint64_t pause = 50 * US;
	begin(1000, 2 * PERCENT);
	for (int i = 0; i < 120; i++) {
		pause += i < 60 ? pause / 20 : -(pause / 20);
		share_of(SETTLED, pause);
		double share = share_of(SETTLED, pause);
		assert_true(share <= most);
		assert_true(share >= 0.72 * most);
	}
	assert_true(run.slow > CLOCK_ONE);
}

static void short_pauses_get_the_rate_back(void **state)
{
	(void)state;
	begin(1000, PERCENT);
	share_of(SETTLED, 300 * US);
	assert_true(run.slow > 20 * CLOCK_ONE);
	share_of(SETTLED, 5 * US);
	assert_int_equal(run.slow, CLOCK_ONE);
}

static void there_is_a_slowest_rate(void **state)
{
	(void)state;
	begin(10000, PERCENT);
	share_of(SETTLED, 50000 * US);
	assert_int_equal(run.slow, 64 * CLOCK_ONE);
	share_of(SETTLED, 50000 * US);
	assert_int_equal(run.slow, 64 * CLOCK_ONE);
	share_of(SETTLED, US / 2);
	assert_int_equal(run.slow, CLOCK_ONE);
}

/* A few long pauses are the machine's; so are those in which the thread waited for others. */
static void what_is_not_ours_does_not_count(void **state)
{
	(void)state;
	begin(100, 2 * PERCENT);
	for (int i = 0; i < SETTLED; i++) {
		tick(i % 5 ? 100 * US : 8000 * US, 0);
		tick(8000 * US, STATS_OURS);
	}
	assert_int_equal(run.slow, CLOCK_ONE);
}

/* 24 stops are reviewed once the target has used 50 ms; until then nothing changes. */
static void too_little_cpu_tells_nothing(void **state)
{
	(void)state;
	const uint64_t enough = 50000000;
	begin(1000, PERCENT);
	for (int i = 0; i < 23; i++)
		stats_add_stop(&run.stats, 1000 * US, 0);
	assert_false(budget_is_due(&run.budget, &run.stats));
	stats_add_stop(&run.stats, 1000 * US, 0);
	assert_true(budget_is_due(&run.budget, &run.stats));
	for (uint32_t slow = CLOCK_ONE; slow < 1000; slow += 99) {
		assert_int_equal(
			budget_review(&run.budget, &run.stats, run.cpu + enough - 1, slow), slow);
		assert_true(budget_is_due(&run.budget, &run.stats));
	}
	/* 24 ms of pauses in 50 ms, of which one in a hundred is allowed. */
	assert_true(budget_review(&run.budget, &run.stats, run.cpu + enough, CLOCK_ONE) >=
		    48 * CLOCK_ONE);
	assert_false(budget_is_due(&run.budget, &run.stats));
}

static void without_a_budget_nothing_is_due(void **state)
{
	(void)state;
	begin(10000, 0);
	share_of(SETTLED, 50000 * US);
	assert_false(budget_is_due(&run.budget, &run.stats));
	assert_int_equal(run.slow, CLOCK_ONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_settles_within_the_budget),
		cmocka_unit_test(the_rate_follows_the_pauses),
		cmocka_unit_test(short_pauses_get_the_rate_back),
		cmocka_unit_test(there_is_a_slowest_rate),
		cmocka_unit_test(what_is_not_ours_does_not_count),
		cmocka_unit_test(too_little_cpu_tells_nothing),
		cmocka_unit_test(without_a_budget_nothing_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
