/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/clock: the schedule, on invented times only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/clock.h"

#define HZ     100u
#define PERIOD 10000000ull
#define N      400000
#define BEGIN  1000000000000ull

/* |x - mean| within 4 sigma, all squared: no square root needed. */
static void within_4_sigma(double x, double mean, double variance)
{
	assert_true((x - mean) * (x - mean) <= 16 * variance);
}

/* n values in [0, 1) that should be uniform: mean 1/2, variance 1/12; a fourth central moment of
 * 1/80 makes the variance's own variance (1/80 - 1/144) / n. Chi-squared over 20 cells has mean 19
 * and variance 38. */
static void assert_uniform(const double *u, size_t n)
{
	double sum = 0, squares = 0, chi = 0;
	size_t cells[20] = {0};

	for (size_t i = 0; i < n; i++) {
		assert_true(u[i] >= 0 && u[i] < 1);
		sum += u[i];
		squares += (u[i] - 0.5) * (u[i] - 0.5);
		cells[(int)(u[i] * 20)]++;
	}
	within_4_sigma(sum / n, 1.0 / 2, 1.0 / 12 / n);
	within_4_sigma(squares / n, 1.0 / 12, (1.0 / 80 - 1.0 / 144) / n);
	for (int i = 0; i < 20; i++)
		chi += (cells[i] - n / 20.0) * (cells[i] - n / 20.0) / (n / 20.0);
	within_4_sigma(chi, 19, 38);
}

static void each_period_has_one_tick_anywhere_in_it(void **state)
{
	(void)state;
	static double u[N];
	static const uint64_t seeds[] = {0, 1, 0xfedcba9876543210};
	for (size_t s = 0; s < 3; s++) {
		struct clock c;
		clock_init(&c, HZ, seeds[s], BEGIN);
		assert_int_equal(c.period, PERIOD);
		double product = 0, expected = 1.0 / 144;
		for (int i = 0; i < N; i++) {
			uint64_t due = c.due, begins = BEGIN + i * PERIOD;
			assert_true(due >= begins && due < begins + PERIOD);
			assert_int_equal(clock_tick(&c, due), 1);
			u[i] = (double)(due - begins) / PERIOD;
			if (i)
				product += (u[i] - 0.5) * (u[i - 1] - 0.5);
		}
		assert_uniform(u, N);
		/* Neighbours are independent: their product has mean 0, variance 1/144. */
		within_4_sigma(product / (N - 1), 0, expected / (N - 1));
		assert_int_equal(c.taken, N);
		assert_int_equal(c.missed, 0);
		assert_int_equal(c.late, 0);
	}
}

static void the_first_tick_is_anywhere_in_the_first_period(void **state)
{
	(void)state;
	static double u[N];
	for (int i = 0; i < N; i++) {
		struct clock c;
		clock_init(&c, HZ, i * 0x2545f4914f6cdd1dull, BEGIN);
		assert_true(c.due >= BEGIN && c.due < BEGIN + PERIOD);
		u[i] = (double)(c.due - BEGIN) / PERIOD;
	}
	assert_uniform(u, N);
}

static void random_numbers_stay_below_n_and_are_uniform(void **state)
{
	(void)state;
	static double u[N];
	struct clock c;
	clock_init(&c, HZ, 42, BEGIN);
	for (int i = 0; i < N; i++)
		u[i] = (double)clock_random(&c, 1ull << 40) / (1ull << 40);
	assert_uniform(u, N);
	size_t count[3] = {0};
	for (int i = 0; i < 30000; i++) {
		uint64_t x = clock_random(&c, 3);
		assert_true(x < 3);
		count[x]++;
	}
	for (int i = 0; i < 3; i++) /* binomial: n p (1 - p) = 30000 * 2 / 9 */
		within_4_sigma(count[i], 10000, 30000 * 2.0 / 9);
	for (int i = 0; i < 100; i++)
		assert_int_equal(clock_random(&c, 1), 0);
}

static void a_seed_gives_the_same_schedule_again(void **state)
{
	(void)state;
	struct clock a, b, other;
	int same = 0;
	clock_init(&a, 97, 5, BEGIN);
	clock_init(&b, 97, 5, BEGIN);
	clock_init(&other, 97, 6, BEGIN);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(a.due, b.due);
		same += a.due == other.due;
		clock_tick(&a, a.due);
		clock_tick(&b, b.due);
		clock_tick(&other, other.due);
	}
	assert_true(same < 3);
}

static void a_tick_is_due_once(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, HZ, 7, BEGIN);
	uint64_t due = c.due;
	assert_int_equal(clock_tick(&c, due - 1), 0);
	assert_int_equal(clock_tick(&c, 0), 0);
	assert_int_equal(c.due, due);
	assert_int_equal(c.taken, 0);
	assert_int_equal(clock_tick(&c, due), 1);
	assert_int_equal(clock_tick(&c, due), 0);
	assert_int_equal(clock_tick(&c, c.due - 1), 0);
	assert_int_equal(c.taken, 1);
	assert_int_equal(c.missed, 0);
}

/* Late ticks do not push the schedule on: it is absolute. */
static void lateness_does_not_add_up(void **state)
{
	(void)state;
	struct clock on_time, late;
	uint64_t lates = 0;
	clock_init(&on_time, HZ, 11, BEGIN);
	clock_init(&late, HZ, 11, BEGIN);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(late.due, on_time.due);
		uint64_t lag = late.next - 1 - late.due; /* the last moment of its period */
		lates += lag > PERIOD / 2;
		assert_int_equal(clock_tick(&late, late.due + lag), 1);
		assert_int_equal(clock_tick(&on_time, on_time.due), 1);
	}
	assert_true(lates > 400 && lates < 600);
	assert_int_equal(late.late, lates);
	assert_int_equal(late.missed, 0);
	clock_tick(&late, late.due + PERIOD / 2);
	assert_int_equal(late.late, lates);
	clock_tick(&late, late.due + PERIOD / 2 + 1);
	assert_int_equal(late.late, lates + 1);
	assert_int_equal(late.taken, 1002);
}

/* What passed while the tracer was busy is counted, tick by tick, and never made up for. */
static void ticks_that_passed_are_missed_not_made_up(void **state)
{
	(void)state;
	struct clock busy, punctual;
	clock_init(&busy, HZ, 13, BEGIN);
	clock_init(&punctual, HZ, 13, BEGIN);
	clock_tick(&busy, busy.due);
	clock_tick(&punctual, punctual.due);
	uint64_t now = BEGIN + 1000 * PERIOD;
	uint64_t passed = 0;
	while (punctual.due <= now) {
		clock_tick(&punctual, punctual.due);
		passed++;
	}
	assert_true(passed == 999 || passed == 1000);
	assert_int_equal(clock_tick(&busy, now), 1);
	assert_int_equal(clock_tick(&busy, now), 0);
	assert_int_equal(busy.taken, 2);
	assert_int_equal(busy.missed, passed - 1);
	assert_int_equal(busy.late, 1);
	assert_int_equal(busy.due, punctual.due);
	assert_true(busy.due > now && busy.due < now + 2 * PERIOD);
}

/* The next n ticks, each late by a random part of up to `most` gaps; what they stand for. */
static uint64_t stand_for(struct clock *c, unsigned n, uint64_t most)
{
	static uint64_t x = 88172645463325252;
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		uint64_t late = most ? x % (most * c->period) : 0, before = c->taken + c->missed;
		uint32_t slow = c->due_slow;
		assert_int_equal(clock_tick(c, c->due + late), 1);
		uint64_t ticks = c->taken + c->missed - before;
		assert_true(ticks <= CLOCK_STANDS_FOR);
		assert_int_equal(c->stands_for, slow + c->slow * (ticks - 1));
		sum += c->stands_for;
	}
	return sum;
}

/* The periods passed, each begun: all but the one of the tick that is due. Those that are no whole
 * number of nanoseconds lose less than one each. */
static void assert_stands_for(const struct clock *c, uint64_t sum)
{
	uint64_t passed = c->next - c->period - BEGIN, meant = sum * (PERIOD / CLOCK_ONE);

	assert_true(meant >= passed && meant - passed <= c->taken + c->missed);
}

/* Weights add up to the time that passed, however slow the clock goes and whatever it misses. */
static void ticks_stand_for_the_time_that_passed(void **state)
{
	(void)state;
	static const uint32_t slows[] = {CLOCK_ONE, CLOCK_ONE + 1, 40, 64 * CLOCK_ONE};
	for (size_t s = 0; s < 4; s++)
		for (uint64_t most = 0; most <= 3; most++) {
			struct clock c;
			clock_init(&c, HZ, s, BEGIN);
			clock_slow(&c, slows[s]);
			assert_int_equal(c.period, PERIOD * slows[s] / CLOCK_ONE);
			uint64_t sum = stand_for(&c, N / 10, most);
			assert_int_equal(c.missed > 0, most > 0);
			assert_stands_for(&c, sum);
		}
}

/* The rate changes every hundred ticks: each period counts as long as it was. */
static void a_change_of_rate_loses_no_time(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, HZ, 3, BEGIN);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < 2000; i++) {
		uint64_t due = c.due;
		clock_slow(&c, CLOCK_ONE + i * 37 % 200);
		assert_int_equal(c.due, due); /* the period that has begun keeps its length */
		sum += stand_for(&c, 100, i % 3);
	}
	assert_stands_for(&c, sum);
}

/* After a long gap the tick is no witness of all of it. */
static void a_tick_stands_for_eight_at_most(void **state)
{
	(void)state;
	struct clock c;
	clock_init(&c, HZ, 4, BEGIN);
	clock_tick(&c, c.due + 1000 * PERIOD);
	assert_int_equal(c.stands_for, CLOCK_ONE * CLOCK_STANDS_FOR);
	clock_slow(&c, 3 * CLOCK_ONE);
	clock_tick(&c, c.due + 1000 * PERIOD); /* its first period is of before */
	assert_int_equal(c.stands_for, CLOCK_ONE + 3 * CLOCK_ONE * (CLOCK_STANDS_FOR - 1));
	clock_tick(&c, c.due);
	assert_int_equal(c.stands_for, 3 * CLOCK_ONE);
}

static void what_is_overdue_is_counted_and_not_taken(void **state)
{
	(void)state;
	struct clock c;

	clock_init(&c, HZ, 9, BEGIN);
	assert_true(clock_overdue(&c, c.due - 1) == 0);
	assert_true(clock_overdue(&c, c.due) == 1);
	assert_true(clock_overdue(&c, c.due + 10 * c.period) == 11);
	assert_true(c.taken == 0 && c.missed == 0);
}

static void the_period_follows_the_rate(void **state)
{
	(void)state;
	static const struct {
		uint32_t hz;
		uint64_t period;
	} rates[] = {
		{1, 1000000000}, {3, 333333333}, {97, 10309278}, {1000, 1000000}, {10000, 100000}};
	for (size_t i = 0; i < 5; i++) {
		struct clock c;
		memset(&c, 0x55, sizeof(c));
		clock_init(&c, rates[i].hz, 1, 5);
		assert_int_equal(c.period, rates[i].period);
		assert_true(c.due >= 5 && c.due < 5 + rates[i].period);
		assert_int_equal(c.taken + c.missed + c.late, 0);
		assert_int_equal(c.slow, CLOCK_ONE);
		clock_slow(&c, 3 * CLOCK_ONE / 2);
		assert_int_equal(c.period, rates[i].period * 3 / 2);
		clock_slow(&c, CLOCK_ONE);
		assert_int_equal(c.period, rates[i].period);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_period_has_one_tick_anywhere_in_it),
		cmocka_unit_test(the_first_tick_is_anywhere_in_the_first_period),
		cmocka_unit_test(random_numbers_stay_below_n_and_are_uniform),
		cmocka_unit_test(a_seed_gives_the_same_schedule_again),
		cmocka_unit_test(a_tick_is_due_once),
		cmocka_unit_test(lateness_does_not_add_up),
		cmocka_unit_test(ticks_that_passed_are_missed_not_made_up),
		cmocka_unit_test(ticks_stand_for_the_time_that_passed),
		cmocka_unit_test(a_change_of_rate_loses_no_time),
		cmocka_unit_test(a_tick_stands_for_eight_at_most),
		cmocka_unit_test(what_is_overdue_is_counted_and_not_taken),
		cmocka_unit_test(the_period_follows_the_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
