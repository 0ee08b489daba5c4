/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/collection: what tracers and workers tell, in good order and in bad. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/collection.h"

static struct collection c;
static struct wire_message m;

static int begin(void **state)
{
	(void)state;
	return collection_init(&c);
}

static int end(void **state)
{
	(void)state;
	collection_fini(&c);
	return 0;
}

static void put(const void *head, size_t n, const void *tail, size_t more)
{
	memcpy(m.payload, head, n);
	if (more)
		memcpy(m.payload + n, tail, more);
	m.size = n + more;
	m.fd = -1;
}

static int tell_module(uint32_t number, const char *path)
{
	struct tracer_module t = {
		.number = number, .dev = 1, .ino = number, .path_len = strlen(path)};
	int is_new;

	put(&t, sizeof(t), path, strlen(path));
	return collection_module(&c, &m, &is_new);
}

/* One mapping per module number. */
static int tell_maps(uint32_t generation, uint64_t start, uint32_t module, uint32_t last)
{
	struct maps_part part = {.generation = generation, .n = 1, .last = last};
	struct mapping map = {start, start + 4096, 0, module, 0};
	struct generation *g = NULL;

	put(&part, sizeof(part), &map, sizeof(map));
	int result = collection_maps(&c, &m, &g);
	if (result == 1)
		assert_int_equal(g->number, generation);
	return result;
}

static int tell_thread(uint32_t serial, int tid, uint64_t cpu, uint32_t is_new, uint32_t ended)
{
	struct tracer_thread t = {
		.serial = serial, .tid = tid, .cpu = cpu, .is_new = is_new, .has_ended = ended};

	put(&t, sizeof(t), NULL, 0);
	return collection_threads(&c, &m);
}

static void tell_clock(uint64_t clock)
{
	struct tracer_stats s = {.clock = clock};

	put(&s, sizeof(s), NULL, 0);
	assert_int_equal(collection_stats(&c, &m), 0);
}

static void a_broken_generation_does_not_spoil_the_next(void **state)
{
	(void)state;
	assert_int_equal(tell_module(1, "/a"), 1);
	assert_int_equal(tell_maps(1, 0x10000, 1, 0), 0);
	assert_int_equal(tell_maps(1, 0x20000, 7, 0), -EPROTO); /* no such module */
	assert_true(tell_maps(1, 0x30000, 1, 1) < 0);
	assert_int_equal(tell_maps(2, 0x40000, 1, 0), 0);
	assert_int_equal(tell_maps(2, 0x50000, 1, 1), 1);
	const struct generation *g = &c.generations[GENERATIONS - 1];
	assert_int_equal(g->n, 2);
	assert_int_equal(g->v[0].start, 0x40000);
	assert_int_equal(g->v[1].start, 0x50000);
}

static void places_past_the_ceiling_are_counted(void **state)
{
	(void)state;
	assert_int_equal(tell_module(1, "/a"), 1);
	for (uint32_t i = 0; i < LIMIT_MAPPINGS + 10; i++)
		assert_int_equal(tell_maps(i + 1, (i + 1) * 4096ull, 1, 1), 1);
	assert_int_equal(c.n_segments, LIMIT_MAPPINGS);
	assert_int_equal(c.segments_lost, 10);
	/* Known ones are found again, not lost. */
	assert_int_equal(tell_maps(LIMIT_MAPPINGS + 11, 4096, 1, 1), 1);
	assert_int_equal(c.segments_lost, 10);
}

static void modules_past_the_ceiling_keep_the_numbers_in_step(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= LIMIT_MODULES; i++)
		assert_int_equal(tell_module(i, "/a"), i);
	assert_true(tell_module(LIMIT_MODULES + 1, "/b") < 0);
	assert_int_equal(tell_maps(1, 0x10000, 3, 1), 1);
}

static void blame_takes_names_before_stacks(void **state)
{
	(void)state;
	assert_int_equal(collection_blame(&c, 0, 0, 0), BLAME_NONE);
	assert_int_equal(collection_blame(&c, 1, 0, 0), BLAME_NONE); /* no such module */
	assert_int_equal(tell_module(1, "/a"), 1);
	assert_int_equal(collection_blame(&c, 1, 1, 1), BLAME_NONE);
	assert_int_equal(collection_blame(&c, 1, 0, 1), BLAME_SYMTAB);
	assert_false(c.modules[0].info.flags & MODULE_BLACKLISTED);
	assert_int_equal(collection_blame(&c, 1, 0, 1), BLAME_ALL);
	assert_true(c.modules[0].info.flags & MODULE_BLACKLISTED);
}

/* 100 ms of the process clock of which the known threads used 30: the rest is of others. */
static void cpu_of_unseen_threads(void **state)
{
	(void)state;
	struct tracer_attached a = {.pid = 7, .clock = 1000000000};

	assert_int_equal(collection_attached(&c, &a), 0);
	assert_int_equal(tell_thread(0, 7, 500000000, 0, 0), 0);
	assert_int_equal(tell_thread(1, 8, 10000000, 1, 0), 0);
	assert_int_equal(tell_thread(0, 7, 520000000, 0, 0), 0);
	tell_clock(1100000000);
	assert_int_equal(collection_threads_cpu(&c), 30000000);
	assert_int_equal(collection_ended_cpu(&c), 70000000);
	/* A few milliseconds are only the time between the readings. */
	tell_clock(1035000000);
	c.clock_end = 1035000000;
	assert_int_equal(collection_ended_cpu(&c), 0);
	assert_int_equal(tell_thread(1, 8, 10000000, 1, 1), 0);
	assert_int_equal(collection_ended_cpu(&c), 5000000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_broken_generation_does_not_spoil_the_next),
		TEST(places_past_the_ceiling_are_counted),
		TEST(modules_past_the_ceiling_keep_the_numbers_in_step),
		TEST(blame_takes_names_before_stacks),
		TEST(cpu_of_unseen_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
