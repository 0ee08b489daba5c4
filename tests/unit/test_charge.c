/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What threads wait for, brought together by who holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/tracer/charge.h"

static struct charges charges;
static struct process one, other;

static void add(struct process *p, uint64_t lock, int32_t holder, uint32_t weight, uint32_t begun)
{
	struct charge c = {
		.process = p,
		.wait = {.lock = lock, .holder = holder, .kind = WAIT_MUTEX},
		.weight = weight,
		.contentions = begun,
	};

	assert_int_equal(charges_add(&charges, &c), 0);
}

static int empty(void **state)
{
	(void)state;
	charges_fini(&charges);
	return 0;
}

static void those_for_one_lock_are_one(void **state)
{
	uint32_t n;

	(void)state;
	add(&one, 0x1000, 7, 16, 1);
	add(&one, 0x1000, 7, 16, 0);
	add(&one, 0x1000, 7, 32, 1);
	assert_int_equal(charges.n, 1);
	struct charge *v = charges_of(&charges, 7, &n);
	assert_int_equal(n, 1);
	assert_int_equal(v->weight, 64);
	assert_int_equal(v->contentions, 2);
}

static void another_lock_holder_or_process_is_another(void **state)
{
	uint32_t n;

	(void)state;
	add(&one, 0x1000, 7, 16, 1);
	add(&one, 0x2000, 7, 16, 1);
	add(&one, 0x1000, 8, 16, 1);
	add(&other, 0x1000, 7, 16, 1);
	assert_int_equal(charges.n, 4);
	charges_sort(&charges);
	struct charge *v = charges_of(&charges, 7, &n);
	assert_int_equal(n, 3);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(v[i].wait.holder, 7);
	v = charges_of(&charges, 8, &n);
	assert_int_equal(n, 1);
	assert_int_equal(v->wait.lock, 0x1000);
	assert_null(charges_of(&charges, 9, &n));
	assert_int_equal(n, 0);
}

/* Whatever their order, nothing is lost. */
static void many_keep_their_sum(void **state)
{
	uint64_t sum = 0;
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		add(&one, 0x1000 + i % 40 * 64, 1 + i % 7, 16, 0);
	charges_sort(&charges);
	for (int32_t holder = 1; holder <= 7; holder++) {
		struct charge *v = charges_of(&charges, holder, &n);
		assert_int_equal(n, 40);
		for (uint32_t i = 0; i < n; i++)
			sum += v[i].weight;
	}
	assert_int_equal(sum, 3000 * 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(those_for_one_lock_are_one, empty),
		cmocka_unit_test_teardown(another_lock_holder_or_process_is_another, empty),
		cmocka_unit_test_teardown(many_keep_their_sum, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
