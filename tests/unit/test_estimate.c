/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sampled allocations stand for: within the error that is told with it, in whole objects and
 * bytes, also where one object in two is sampled.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "agent/probe/draw.h"
#include "output/estimate.h"
#include "output/heap.h"

#define OBJECTS 200000
#define MEAN	4096

/* Allocations of sizes around that one; those of odd numbers are never freed. */
static struct heap_site allocate(uint64_t size, uint64_t *bytes, uint64_t *live_bytes)
{
	uint64_t random = size + 77, left = draw_gap(&random, MEAN);
	struct heap_site site = {.all = {0}};

	*bytes = *live_bytes = 0;
	for (int i = 0; i < OBJECTS; i++) {
		uint64_t s = size / 2 + draw_random(&random) % size + 1;
		*bytes += s;
		*live_bytes += i % 2 ? s : 0;
		if (left >= s) {
			left -= s;
			continue;
		}
		left = draw_gap(&random, MEAN);
		const struct heap_sample sample = {.size = s, .id = i + 1, .mean = MEAN};
		estimate_add(&site.all, &sample);
		if (i % 2)
			estimate_add(&site.live, &sample);
	}
	return site;
}

static void sums_are_right(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {20, 300, 4096, 6000, 50000};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		uint64_t bytes, live_bytes;
		const struct heap_site site = allocate(sizes[k], &bytes, &live_bytes);
		const struct profile_heap heap = {&site, 1, MEAN, HEAP_ALL};
		struct profile_sample s = {0};
		heap_values(&heap, 1, &s);
		/* Nothing is lost or won by rounding. */
		assert_true(fabs(s.values[0] - site.all.objects) <= 0.5);
		assert_true(fabs(s.values[1] - site.all.bytes) <= 0.5);
		/* And it is the truth, within its own error. */
		double sigma = sqrt(s.variance[0]), live_sigma = sqrt(s.variance[1]);
		assert_true(fabs((double)s.values[1] - bytes) <= 4 * sigma + 1);
		assert_true(fabs((double)s.values[3] - live_bytes) <= 4 * live_sigma + 1);
		assert_true(fabs(s.values[0] - (double)OBJECTS) <=
			    4 * sqrt((double)OBJECTS * (2 * MEAN / sizes[k] + 1)));
		assert_true(fabs(s.values[2] - OBJECTS / 2.0) <=
			    4 * sqrt((double)OBJECTS / 2 * (2 * MEAN / sizes[k] + 1)));
		assert_true(fabs(estimate_error(&site.all) * site.all.bytes - sigma) <=
			    1e-6 * sigma + 1e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
