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
	const struct maps *g = NULL;

	put(&part, sizeof(part), &map, sizeof(map));
	int result = collection_maps(&c, &m, &g);
	if (result == 1) {
		assert_int_equal(g->generation, generation);
		assert_int_equal(c.last_generation, generation);
	}
	return result;
}

static int tell_thread(uint32_t serial, int tid, uint64_t cpu, uint32_t is_new, uint32_t ended)
{
	struct tracer_thread t = {
		.serial = serial, .tid = tid, .cpu = cpu, .is_new = is_new, .has_ended = ended};

	put(&t, sizeof(t), NULL, 0);
	return collection_threads(&c, &m);
}

static int attach(uint32_t number, int pid, uint64_t clock, uint32_t is_new, const char *comm)
{
	struct tracer_attached a = {.number = number,
		.pid = pid,
		.n_threads = 3,
		.is_new = is_new,
		.start_time = 1000 + pid,
		.clock = clock};

	memcpy(a.comm, comm, strnlen(comm, sizeof(a.comm)));
	return collection_attached(&c, &a);
}

static int tell_process(uint32_t number, uint64_t clock, uint32_t has_ended)
{
	struct tracer_process p = {.number = number, .clock = clock, .has_ended = has_ended};

	put(&p, sizeof(p), NULL, 0);
	return collection_processes(&c, &m);
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
	const struct maps *g = generations_last(&c.maps);
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
	const struct interval *i = &c.intervals[0];
	assert_int_equal(attach(0, 7, 1000000000, 0, "app"), 0);
	assert_int_equal(tell_thread(0, 7, 500000000, 0, 0), 0);
	assert_int_equal(tell_thread(1, 8, 10000000, 1, 0), 0);
	assert_int_equal(tell_thread(0, 7, 520000000, 0, 0), 0);
	assert_int_equal(tell_process(0, 1100000000, 0), 0);
	assert_int_equal(collection_close(&c, 1), 0);
	assert_int_equal(interval_threads_cpu(i), 30000000);
	assert_int_equal(interval_ended_cpu(i), 70000000);
	/* A few milliseconds are only the time between the readings. */
	i = &c.intervals[1];
	assert_int_equal(collection_open_next(&c, 1, 0), 0);
	assert_int_equal(tell_thread(0, 7, 550000000, 0, 0), 0);
	assert_int_equal(tell_process(0, 1135000000, 0), 0);
	assert_int_equal(collection_close(&c, 2), 0);
	assert_int_equal(interval_threads_cpu(i), 30000000);
	assert_int_equal(interval_ended_cpu(i), 0);
	/* Not so where a thread ended. */
	i = &c.intervals[0];
	assert_int_equal(collection_open_next(&c, 2, 0), 0);
	assert_int_equal(tell_thread(1, 8, 10000000, 1, 1), 0);
	assert_int_equal(tell_process(0, 1140000000, 0), 0);
	assert_int_equal(collection_close(&c, 3), 0);
	assert_int_equal(i->threads_ended, 1);
	assert_int_equal(interval_threads_cpu(i), 0);
	assert_int_equal(interval_ended_cpu(i), 5000000);
}

static void processes_are_known_by_number(void **state)
{
	(void)state;
	assert_null(collection_process(&c, 0));
	assert_int_equal(tell_process(0, 1, 0), -EPROTO);
	assert_int_equal(tell_thread(0, 7, 0, 0, 0), -EPROTO); /* of no process */
	assert_int_equal(attach(2, 70, 100, 0, "a-name-with-17-b"), 0);
	assert_int_equal(attach(5, 71, 200, 1, "child"), 0);
	assert_int_equal(attach(3, 72, 0, 0, "back"), -EPROTO);
	assert_null(collection_process(&c, 3));
	const struct process_info *p = collection_process(&c, 2);
	assert_int_equal(p->pid, 70);
	assert_int_equal(p->clock, 100);
	assert_int_equal(p->clock_begin, 100);
	assert_string_equal(p->comm, "a-name-with-17-");
	p = collection_process(&c, 5);
	assert_int_equal(p->start_time, 1071);
	assert_int_equal(p->clock_begin, 0); /* born in the window: all of its CPU is of it */
	/* Told again after an exec: another name, the same process. */
	assert_int_equal(attach(2, 70, 500, 0, "sh"), 0);
	assert_string_equal(collection_process(&c, 2)->comm, "sh");
	assert_string_equal(c.first.comm, "sh");
	assert_int_equal(collection_process(&c, 2)->clock_begin, 100);
	assert_int_equal(attach(5, 71, 0, 0, "ls"), 0);
	assert_string_equal(c.first.comm, "sh");
	assert_int_equal(c.processes_seen, 2);
}

static void a_process_ends_once(void **state)
{
	(void)state;
	assert_int_equal(attach(0, 70, 100, 0, "a"), 0);
	assert_int_equal(tell_process(0, 150, 1), 0);
	assert_int_equal(tell_process(0, 140, 1), 0); /* late word */
	assert_int_equal(c.processes_ended, 1);
	assert_int_equal(collection_process(&c, 0)->clock, 150);
}

/* A tracer that starts again goes on behind all numbers that were used, broken maps or not. */
static void a_new_tracer_goes_on_where_the_last_one_ended(void **state)
{
	struct tracer_start start = {0};
	struct tracer_stats stats = {.ticks = 10, .threads_seen = 2};

	(void)state;
	assert_int_equal(attach(0, 70, 100, 0, "a"), 0);
	assert_int_equal(attach(4, 71, 100, 0, "b"), 0);
	assert_int_equal(tell_thread(9, 70, 0, 0, 0), 0);
	assert_int_equal(tell_module(1, "/a"), 1);
	assert_int_equal(tell_module(2, "/c"), 2);
	assert_int_equal(tell_maps(12, 0x10000, 1, 1), 1);
	assert_int_equal(tell_maps(13, 0x10000, 1, 0), 0);
	put(&stats, sizeof(stats), NULL, 0);
	assert_int_equal(collection_stats(&c, &m), 0);
	collection_new_tracer(&c, &start);
	assert_int_equal(start.first_serial, 10);
	assert_int_equal(start.first_generation, 12);
	assert_int_equal(start.first_process, 5);
	assert_int_equal(start.interval, 0);
	/* Its modules are numbered from 1, and the half generation is none of it. */
	assert_int_equal(tell_module(1, "/b"), 3);
	assert_int_equal(tell_maps(13, 0x10000, 1, 1), 1);
	assert_int_equal(generations_last(&c.maps)->n, 1);
	assert_int_equal(generations_last(&c.maps)->v[0].module, 3);
	assert_int_equal(tell_maps(14, 0x20000, 2, 1), -EPROTO);
	put(&stats, sizeof(stats), NULL, 0);
	assert_int_equal(collection_stats(&c, &m), 0);
	collection_sum(&c, &stats);
	assert_int_equal(stats.ticks, 20);
}

static int tell_name(const char *name)
{
	struct tracer_thread t = {.serial = 0, .tid = 100, .cpu = 5};

	strcpy(t.name, name);
	put(&t, sizeof(t), NULL, 0);
	return collection_threads(&c, &m);
}

/* Its first stack comes before an exec gives it another name. */
static void a_thread_has_the_name_that_was_told_last(void **state)
{
	const struct worker_stack w = {.kinds = 1, .weight = WEIGHT_ONE};

	(void)state;
	assert_int_equal(attach(0, 100, 0, 0, "before"), 0);
	assert_int_equal(tell_name("before"), 0);
	put(&w, sizeof(w), NULL, 0);
	assert_int_equal(collection_stacks(&c, &m), 0);
	assert_int_equal(tell_name("after"), 0);
	assert_int_equal(collection_close(&c, 1), 0);
	assert_int_equal(collection_interval(&c, 0)->n_threads, 1);
	assert_string_equal(collection_interval(&c, 0)->threads[0].name, "after");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thread_has_the_name_that_was_told_last),
		TEST(a_broken_generation_does_not_spoil_the_next),
		TEST(places_past_the_ceiling_are_counted),
		TEST(modules_past_the_ceiling_keep_the_numbers_in_step),
		TEST(blame_takes_names_before_stacks),
		TEST(cpu_of_unseen_threads),
		TEST(processes_are_known_by_number),
		TEST(a_process_ends_once),
		TEST(a_new_tracer_goes_on_where_the_last_one_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
