/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/generations: which lists of mappings are kept, of which process, and which are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/generations.h"

static struct generations g;

static int begin(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	return 0;
}

static int end(void **state)
{
	(void)state;
	generations_fini(&g);
	return 0;
}

/* A part of one mapping of one page, at that page's number. */
static int add(uint32_t generation, uint32_t process, uint64_t page, uint32_t last)
{
	struct maps_part part = {generation, process, 1, last};
	struct mapping map = {page << 12, (page + 1) << 12, 0, 1, 0};

	return generations_add(&g, &part, &map);
}

/* One that is whole; its page is its number, so that it can be told from the others. */
static void add_whole(uint32_t generation, uint32_t process)
{
	assert_int_equal(add(generation, process, generation, 1), 1);
}

static int is_kept(uint32_t generation, uint32_t process)
{
	const struct maps *m = generations_find(&g, generation);

	if (!m)
		return 0;
	assert_int_equal(m->generation, generation);
	assert_int_equal(m->process, process);
	assert_int_equal(m->n, 1);
	assert_int_equal(m->v[0].start, (uint64_t)generation << 12);
	return 1;
}

static void nothing_is_found_in_nothing(void **state)
{
	(void)state;
	assert_null(generations_find(&g, 0));
	assert_null(generations_newest(&g, 0));
	assert_null(generations_last(&g));
	generations_forget(&g, 0);
	/* The first may have any number, 0 too, and may be empty. */
	struct maps_part part = {.generation = 0, .process = 3, .n = 0, .last = 1};
	struct mapping none;
	assert_int_equal(generations_add(&g, &part, &none), 1);
	assert_int_equal(generations_find(&g, 0)->n, 0);
	assert_ptr_equal(generations_newest(&g, 3), generations_last(&g));
}

static void a_generation_comes_in_parts(void **state)
{
	(void)state;
	struct mapping v[3] = {
		{0x1000, 0x2000, 0, 1, 0}, {0x3000, 0x4000, 0, 2, 0}, {0x4000, 0x9000, 0x40, 3, 0}};
	struct maps_part part = {.generation = 7, .process = 2, .n = 1};
	assert_int_equal(generations_add(&g, &part, v), 0);
	assert_null(generations_find(&g, 7));
	assert_null(generations_newest(&g, 2));
	part.n = 2;
	part.last = 1;
	assert_int_equal(generations_add(&g, &part, v + 1), 1);
	assert_int_equal(generations_find(&g, 7)->n, 3);
	assert_int_equal(generations_find(&g, 7)->process, 2);
	assert_memory_equal(generations_find(&g, 7)->v, v, sizeof(v));
}

/* Three processes in turn: of each the last four, and those in their order. */
static void four_of_each_process_are_kept(void **state)
{
	(void)state;
	enum { PROCESSES = 3, ROUNDS = 7 };
	for (uint32_t i = 0; i < PROCESSES * ROUNDS; i++) {
		add_whole(10 + i, i % PROCESSES);
		assert_int_equal(generations_last(&g)->generation, 10 + i);
		assert_int_equal(generations_newest(&g, i % PROCESSES)->generation, 10 + i);
	}
	assert_int_equal(g.n, PROCESSES * GENERATIONS_KEPT);
	for (uint32_t i = 0; i < PROCESSES * ROUNDS; i++)
		assert_int_equal(is_kept(10 + i, i % PROCESSES),
			i >= PROCESSES * (ROUNDS - GENERATIONS_KEPT));
	for (uint32_t i = 1; i < g.n; i++)
		assert_true(g.kept[i - 1].generation < g.kept[i].generation);
	for (uint32_t p = 0; p < PROCESSES; p++)
		assert_int_equal(
			generations_newest(&g, p)->generation, 10 + PROCESSES * (ROUNDS - 1) + p);
	assert_null(generations_newest(&g, PROCESSES));
}

/* A process that maps all the time does not push out what there is of a quiet one. */
static void a_busy_process_leaves_the_others_alone(void **state)
{
	(void)state;
	add_whole(1, 5);
	for (uint32_t i = 2; i < 100; i++)
		add_whole(i, 6);
	assert_int_equal(g.n, 1 + GENERATIONS_KEPT);
	assert_true(is_kept(1, 5));
	assert_int_equal(generations_newest(&g, 5)->generation, 1);
}

static void what_overlaps_is_refused(void **state)
{
	(void)state;
	static const struct mapping bad[][2] = {
		{{0x3000, 0x4000, 0, 1, 0}, {0x1000, 0x2000, 0, 1, 0}},
		{{0x1000, 0x3001, 0, 1, 0}, {0x3000, 0x4000, 0, 1, 0}},
		{{0x1000, 0x1000, 0, 1, 0}, {0x3000, 0x4000, 0, 1, 0}},
		{{0x1000, 0x2000, 0, 1, 0}, {0x4000, 0x3000, 0, 1, 0}},
	};
	struct maps_part part = {.generation = 1, .n = 2, .last = 1};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(generations_add(&g, &part, bad[i]), -EPROTO);
		assert_int_equal(g.n, 0);
	}
	/* From part to part, too; mappings that touch are in order. */
	assert_int_equal(add(1, 0, 5, 0), 0);
	assert_int_equal(add(1, 0, 5, 1), -EPROTO);
	assert_int_equal(add(1, 0, 5, 0), 0);
	assert_int_equal(add(1, 0, 6, 1), 1);
}

/* Whatever part is broken, the rest of that generation is skipped, the next one is whole. */
static void a_broken_part_skips_to_its_end(void **state)
{
	(void)state;
	enum { PARTS = 4 };
	for (uint32_t broken = 0; broken < PARTS; broken++) {
		uint32_t number = 10 * (broken + 1);
		for (uint32_t i = 0; i < PARTS; i++) {
			struct maps_part part = {number, 1, 1, i == PARTS - 1};
			struct mapping map = {(i + 1) << 12, (i + 2) << 12, 0, 1, 0};
			if (i == broken)
				map.end = map.start;
			int expected = i == broken || part.last ? -EPROTO : 0;
			assert_int_equal(generations_add(&g, &part, &map), expected);
		}
		assert_null(generations_find(&g, number));
		add_whole(number + 1, 1);
		assert_true(is_kept(number + 1, 1));
	}
}

static void numbers_go_up(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= GENERATIONS_KEPT; i++)
		add_whole(10 * i, 1);
	assert_int_equal(add(10 * GENERATIONS_KEPT, 1, 1, 1), -EPROTO);
	assert_int_equal(add(15, 1, 1, 1), -EPROTO);
	assert_int_equal(add(15, 2, 1, 1), -EPROTO); /* numbered over all processes */
	/* What is refused takes no other's place. */
	for (uint32_t i = 1; i <= GENERATIONS_KEPT; i++)
		assert_true(is_kept(10 * i, 1));
	add_whole(10 * GENERATIONS_KEPT + 1, 1);
	assert_false(is_kept(10, 1));
}

static void a_process_is_forgotten_as_a_whole(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		add_whole(1 + i, i % 3);
	generations_forget(&g, 1);
	assert_int_equal(g.n, 6);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(is_kept(1 + i, i % 3), i % 3 != 1);
	assert_null(generations_newest(&g, 1));
	assert_int_equal(generations_newest(&g, 0)->generation, 7);
	assert_int_equal(generations_last(&g)->generation, 9);
	generations_forget(&g, 1);
	generations_forget(&g, 77);
	assert_int_equal(g.n, 6);
	generations_forget(&g, 2);
	assert_int_equal(generations_last(&g)->generation, 7);
	generations_forget(&g, 0);
	assert_null(generations_last(&g));
	add_whole(10, 1);
	assert_true(is_kept(10, 1));
}

/* More processes than lists are kept: the oldest go, whose ever they are. */
static void all_together_have_a_ceiling(void **state)
{
	(void)state;
	const uint32_t more = 10;
	for (uint32_t i = 1; i <= LIMIT_GENERATIONS + more; i++)
		add_whole(i, i);
	assert_int_equal(g.n, LIMIT_GENERATIONS);
	for (uint32_t i = 1; i <= LIMIT_GENERATIONS + more; i++)
		assert_int_equal(is_kept(i, i), i > more);
}

static void a_generation_has_a_ceiling(void **state)
{
	(void)state;
	static struct mapping v[LIMIT_MAPPINGS];
	for (uint64_t i = 0; i < LIMIT_MAPPINGS; i++)
		v[i] = (struct mapping){i << 12, (i + 1) << 12, 0, 1, 0};
	struct maps_part part = {.generation = 1, .n = LIMIT_MAPPINGS};
	assert_int_equal(generations_add(&g, &part, v), 0);
	assert_int_equal(add(1, 0, LIMIT_MAPPINGS, 0), -E2BIG);
	assert_true(add(1, 0, LIMIT_MAPPINGS + 1, 1) < 0);
	assert_null(generations_last(&g));
	part.generation = 2;
	part.last = 1;
	assert_int_equal(generations_add(&g, &part, v), 1);
	assert_int_equal(generations_last(&g)->n, LIMIT_MAPPINGS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_found_in_nothing),
		TEST(a_generation_comes_in_parts),
		TEST(four_of_each_process_are_kept),
		TEST(a_busy_process_leaves_the_others_alone),
		TEST(what_overlaps_is_refused),
		TEST(a_broken_part_skips_to_its_end),
		TEST(numbers_go_up),
		TEST(a_process_is_forgotten_as_a_whole),
		TEST(all_together_have_a_ceiling),
		TEST(a_generation_has_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
