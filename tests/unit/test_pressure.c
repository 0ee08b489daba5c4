/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By how much samples are made rarer, and what is said of those that were dropped.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "agent/probe/draw.h"
#include "agent/probe/pressure.h"

static void nothing_changes_while_there_is_room(void **state)
{
	(void)state;
	struct pressure_flow f = {.came = 100000, .can = 10};

	assert_int_equal(pressure_factor(&f), 1);
	f.backlog = PROBE_RECORDS / 2;
	assert_int_equal(pressure_factor(&f), 1);
}

static void what_comes_is_brought_down_to_what_can_be_taken(void **state)
{
	(void)state;
	struct pressure_flow f = {.came = 1500, .can = 1000, .dropped = 1};

	assert_int_equal(pressure_factor(&f), 2);
	f.came = 3900;
	assert_int_equal(pressure_factor(&f), 4);
	/* It is being worked off. */
	f.came = 900;
	assert_int_equal(pressure_factor(&f), 1);
	/* The ring is nearly full, nothing was dropped yet. */
	f = (struct pressure_flow){.came = 700, .can = 400, .backlog = PROBE_RECORDS - 10};
	assert_int_equal(pressure_factor(&f), 2);
	f = (struct pressure_flow){.came = UINT64_MAX, .dropped = UINT64_MAX};
	assert_int_equal(pressure_factor(&f), 8);
}

/* Allocations of mixed sizes, all of whose samples are dropped, with a mean that changes: what they
 * stand for is what was allocated. */
static void the_dropped_are_weighed_without_bias(void **state)
{
	(void)state;
	struct pressure_lost lost = {0};
	uint64_t random = 12345, n = 0, bytes = 0, means = 0, mean = 500, all = 0;
	uint64_t left = draw_gap(&random, mean), drawn = mean;

	for (int i = 1; i <= 400000; i++) {
		uint64_t size = 16 + draw_random(&random) % 200;
		all += size;
		if (left >= size) {
			left -= size;
		} else {
			n++;
			bytes += size;
			means += drawn;
			drawn = mean;
			left = draw_gap(&random, mean);
		}
		if (i % 1000 == 0) {
			pressure_lose(&lost, n, bytes, means);
			n = bytes = means = 0;
		}
		if (i % 50000 == 0)
			mean *= 2;
	}
	/* The sizes of one lot are taken for equal: that costs less than one in a hundred. */
	assert_true(fabs(lost.bytes - all) <= 4 * sqrt(lost.variance) + all / 100.0);
	assert_true(sqrt(lost.variance) < all / 20.0);
	pressure_lose(&lost, 0, 0, 0);
	pressure_lose(&lost, 1, 0, 1);
	assert_true(isfinite(lost.bytes) && isfinite(lost.variance));
}

/* The target may write there what it likes. */
static void figures_are_believed_as_far_as_they_can_be_true(void **state)
{
	(void)state;
	static struct probe_shared s;
	struct pressure p;
	const uint64_t second = 1000000000;

	pressure_begin(&p, 4096);
	pressure_read(&p, &s, second);
	s = (struct probe_shared){.dropped = 100,
		.dropped_bytes = 100 * 5000,
		.dropped_means = 100 * 4096,
		.table_full = 7,
		.no_slot = 9};
	pressure_read(&p, &s, 2 * second);
	assert_true(p.dropped == 100 && p.table_full == 7 && p.no_slot == 9 && !p.is_damaged);
	double lost = p.lost.bytes;
	assert_true(lost > 500000 && lost < 1e6);
	/* More than there was time for, */
	s.dropped = 3772648773058086114;
	s.dropped_bytes += 5000;
	s.dropped_means += 4096;
	pressure_read(&p, &s, 3 * second);
	assert_true(p.dropped == 100 && p.lost.bytes == lost && p.is_damaged);
	/* larger ones than there are, */
	s.dropped = 101;
	s.dropped_bytes = 1ull << 60;
	pressure_read(&p, &s, 3 * second);
	assert_true(p.dropped == 100 && p.lost.bytes == lost);
	/* or fewer than there were. */
	s.dropped = 3;
	s.table_full = 5;
	s.no_slot = UINT64_MAX;
	pressure_read(&p, &s, 3 * second);
	assert_true(p.dropped == 100 && p.table_full == 7 && p.no_slot == 9);
	assert_true(p.lost.bytes == lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes_while_there_is_room),
		cmocka_unit_test(what_comes_is_brought_down_to_what_can_be_taken),
		cmocka_unit_test(the_dropped_are_weighed_without_bias),
		cmocka_unit_test(figures_are_believed_as_far_as_they_can_be_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
