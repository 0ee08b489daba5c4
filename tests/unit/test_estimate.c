/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sampled allocations stand for: within the error that is told with it, and whole objects and
 * bytes of it without a drift, also where one object in two is sampled.
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

static struct heap_sample samples[OBJECTS];
static uint32_t live[OBJECTS];

/* Allocations of sizes around that one; those of odd numbers are never freed. */
static uint32_t allocate(uint64_t size, uint64_t *bytes, uint64_t *live_bytes, uint32_t *n_live)
{
	uint64_t random = size + 77, left = draw_gap(&random, MEAN);
	uint32_t n = 0;

	*bytes = *live_bytes = *n_live = 0;
	for (int i = 0; i < OBJECTS; i++) {
		uint64_t s = size / 2 + draw_random(&random) % size + 1;
		*bytes += s;
		*live_bytes += i % 2 ? s : 0;
		if (left >= s) {
			left -= s;
			continue;
		}
		left = draw_gap(&random, MEAN);
		samples[n] = (struct heap_sample){.size = s, .id = n + 1, .mean = MEAN};
		n++;
		if (i % 2)
			live[(*n_live)++] = n;
	}
	return n;
}

static void sums_are_right(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {20, 300, 4096, 6000, 50000};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		uint64_t bytes, live_bytes;
		uint32_t n_live, n = allocate(sizes[k], &bytes, &live_bytes, &n_live);
		const struct profile_heap heap = {samples, n, live, n_live, MEAN};
		struct heap_rest rest = {0};
		struct profile_sample sum = {0};
		struct estimate all = {0};
		for (uint32_t i = 0; i < n; i++) {
			struct profile_sample s = {0};
			heap_values(&heap, i + 1, &rest, &s);
			estimate_add(&all, &samples[i]);
			for (int v = 0; v < 4; v++)
				sum.values[v] += s.values[v];
			sum.variance[0] += s.variance[0];
			sum.variance[1] += s.variance[1];
			assert_true(s.values[2] <= s.values[0] && s.values[3] <= s.values[1]);
		}
		/* Nothing is lost or won by rounding. */
		assert_true(fabs(sum.values[0] - all.objects) <= 1);
		assert_true(fabs(sum.values[1] - all.bytes) <= 1);
		/* And it is the truth, within its own error. */
		double sigma = sqrt(sum.variance[0]), live_sigma = sqrt(sum.variance[1]);
		assert_true(fabs((double)sum.values[1] - bytes) <= 4 * sigma + 1);
		/* Rounding of objects that live together with others, half a byte each at most. */
		assert_true(
			fabs((double)sum.values[3] - live_bytes) <= 4 * live_sigma + n_live / 2.0);
		assert_true(fabs(sum.values[0] - (double)OBJECTS) <=
			    4 * sqrt((double)OBJECTS * (2 * MEAN / sizes[k] + 1)));
		assert_true(fabs(sum.values[2] - OBJECTS / 2.0) <=
			    4 * sqrt((double)OBJECTS / 2 * (2 * MEAN / sizes[k] + 1)));
		assert_true(fabs(estimate_error(&all) * all.bytes - sigma) <= 1e-6 * sigma + 1e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
