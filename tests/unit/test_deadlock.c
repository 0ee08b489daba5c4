/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/deadlock: circles that were made, and crowds that have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/deadlock.h"

static struct deadlocks found;

static void find(const struct deadlock_edge *v, uint32_t n)
{
	assert_int_equal(deadlocks_find(v, n, v, n, &found), 0);
}
#define FIND(...)                                                                                  \
	find((const struct deadlock_edge[]){__VA_ARGS__},                                          \
		sizeof((const struct deadlock_edge[]){__VA_ARGS__}) /                              \
			sizeof(struct deadlock_edge))

static void check_circle(uint32_t number, const int32_t *tids, uint32_t n)
{
	uint32_t at = number ? found.ends[number - 1] : 0;

	assert_true(number < found.n);
	assert_int_equal(found.ends[number] - at, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(found.members[at + i].waiter, tids[i]);
		assert_int_equal(found.members[at + i].holder, tids[(i + 1) % n]);
	}
}
#define CIRCLE(number, ...)                                                                        \
	check_circle(number, (const int32_t[]){__VA_ARGS__},                                       \
		sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void two_in_opposite_order(void **state)
{
	(void)state;
	FIND({11, 12, 0xa, 5}, {12, 11, 0xb, 7});
	assert_int_equal(found.n, 1);
	CIRCLE(0, 11, 12);
	assert_true(found.members[0].lock == 0xa && found.members[1].lock == 0xb);
	deadlocks_fini(&found);
}

/* Before, behind and between in number, and in chains. */
static void innocents_are_left_out(void **state)
{
	(void)state;
	FIND({5, 30, 1, 1}, {30, 10, 2, 1}, {1, 5, 3, 1}, {20, 30, 4, 1}, {10, 20, 5, 1},
		{25, 10, 6, 1}, {40, 25, 7, 1}, {50, 51, 8, 1}, {52, 50, 9, 1});
	assert_int_equal(found.n, 1);
	CIRCLE(0, 10, 20, 30);
	deadlocks_fini(&found);
}

static void a_thread_waits_for_itself(void **state)
{
	(void)state;
	FIND({3, 3, 1, 1}, {2, 3, 1, 1}, {4, 2, 2, 1});
	assert_int_equal(found.n, 1);
	CIRCLE(0, 3);
	deadlocks_fini(&found);
}

static void several_at_once(void **state)
{
	(void)state;
	FIND({1, 8, 1, 1}, {7, 6, 1, 1}, {6, 7, 2, 1}, {8, 9, 3, 1}, {9, 10, 4, 1}, {10, 8, 5, 1},
		{2, 6, 1, 1}, {11, 11, 6, 1});
	assert_int_equal(found.n, 3);
	CIRCLE(0, 8, 9, 10);
	CIRCLE(1, 6, 7);
	CIRCLE(2, 11);
	deadlocks_fini(&found);
}

/* One member that ran, waits for another one, or for another lock, or holds none now. */
static void a_circle_must_last(void **state)
{
	static const struct deadlock_edge before[] = {{1, 2, 10, 5}, {2, 3, 11, 6}, {3, 1, 12, 7}};
	static const struct deadlock_edge others[] = {
		{2, 3, 11, 7}, {2, 1, 11, 6}, {2, 3, 12, 6}, {2, 0, 11, 6}, {9, 3, 11, 6}};

	(void)state;
	find(before, 3);
	assert_int_equal(found.n, 1);
	deadlocks_fini(&found);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		const struct deadlock_edge after[] = {before[2], others[i], before[0]};
		assert_int_equal(deadlocks_find(before, 3, after, 3, &found), 0);
		assert_int_equal(found.n, 0);
		deadlocks_fini(&found);
		assert_int_equal(deadlocks_find(after, 3, before, 3, &found), 0);
		assert_int_equal(found.n, 0);
		deadlocks_fini(&found);
	}
	assert_int_equal(deadlocks_find(NULL, 0, before, 3, &found), 0);
	assert_int_equal(found.n, 0);
	deadlocks_fini(&found);
	assert_int_equal(deadlocks_find(NULL, 0, NULL, 0, &found), 0);
	assert_int_equal(found.n, 0);
	deadlocks_fini(&found);
}

enum { CROWD = 60 };

/* Who waits for whom, so that nobody waits for one that waits, in the end, for it: a thread with
 * nobody to wait for is always among those that it leads to. rank is a random order. */
static uint32_t make_crowd(struct deadlock_edge *v, const uint32_t *rank, uint64_t runs)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CROWD; i++) {
		uint32_t other = rand() % CROWD;
		if (rank[other] <= rank[i])
			continue;
		v[n++] = (struct deadlock_edge){i + 1, other + 1, rand() % 8, runs};
	}
	return n;
}

static void shuffle(uint32_t *v, uint32_t n)
{
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = rand() % (i + 1), x = v[i];
		v[i] = v[j];
		v[j] = x;
	}
}

/* What a circle asks of one scan is as good as random in a busy program: each scan sees edges of
 * different instants, which may close a circle, but not with members that have not run. */
static void busy_threads_are_no_deadlock(void **state)
{
	struct deadlock_edge a[CROWD], b[CROWD];
	uint32_t rank[CROWD];

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < CROWD; i++)
		rank[i] = i;
	for (int round = 0; round < 10000; round++) {
		shuffle(rank, CROWD);
		uint32_t n_a = make_crowd(a, rank, 1), n_b = n_a;
		memcpy(b, a, sizeof(a));
		/* The second scan: some have run since, and may wait for anybody. */
		for (uint32_t i = 0; i < n_b; i++)
			if (rand() % 2)
				b[i] = (struct deadlock_edge){
					b[i].waiter, rand() % CROWD + 1, rand() % 8, 2};
		assert_int_equal(deadlocks_find(a, n_a, b, n_b, &found), 0);
		assert_int_equal(found.n, 0);
		deadlocks_fini(&found);
	}
}

/* The same with one circle laid into it. */
static void a_deadlock_in_a_crowd(void **state)
{
	struct deadlock_edge a[2 * CROWD];
	uint32_t rank[CROWD];

	(void)state;
	srand(2);
	for (uint32_t i = 0; i < CROWD; i++)
		rank[i] = i;
	for (int round = 0; round < 1000; round++) {
		uint32_t size = rand() % 9 + 1;
		shuffle(rank, CROWD);
		uint32_t n = make_crowd(a, rank, 1);
		/* Of threads that are not in the crowd, on which one of it hangs. */
		for (uint32_t i = 0; i < size; i++)
			a[n + i] = (struct deadlock_edge){
				CROWD + 1 + i, CROWD + 1 + (i + 1) % size, i, 1};
		if (n)
			a[rand() % n].holder = CROWD + 1 + rand() % size;
		find(a, n + size);
		assert_int_equal(found.n, 1);
		assert_int_equal(found.ends[0], size);
		for (uint32_t i = 0; i < size; i++)
			assert_int_equal(found.members[i].waiter, CROWD + 1 + i);
		deadlocks_fini(&found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_in_opposite_order),
		cmocka_unit_test(innocents_are_left_out),
		cmocka_unit_test(a_thread_waits_for_itself),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(a_circle_must_last),
		cmocka_unit_test(busy_threads_are_no_deadlock),
		cmocka_unit_test(a_deadlock_in_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
