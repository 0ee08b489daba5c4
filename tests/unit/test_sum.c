/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/sum: intervals added up, of all processes and of one, taken off, and counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sum.h"
#include "output/table.h"

#define MS 1000000ull

static struct interval sum, part[2];

static int begin(void **state)
{
	(void)state;
	return interval_init(&sum, 0) | interval_init(&part[0], 7) | interval_init(&part[1], 8);
}

static int end(void **state)
{
	(void)state;
	interval_fini(&sum);
	interval_fini(&part[0]);
	interval_fini(&part[1]);
	return 0;
}

static uint32_t thread(struct interval *i, uint32_t key, int32_t pid, const char *name,
	uint64_t cpu, uint32_t life)
{
	struct thread_info t = {.pid = pid, .tid = 1000 + key};

	memcpy(t.name, name, strlen(name));
	long at = interval_thread(i, key, &t);
	assert_true(at >= 0);
	i->threads[at].cpu = cpu;
	interval_set_life(i, at, life);
	return at;
}

/* A stack of that place below a root, as a worker tells it. */
static void stack(struct interval *i, uint32_t kinds, uint32_t thread, uint64_t place,
	uint32_t weight, uint32_t contentions, enum stack_end end)
{
	const struct worker_stack w = {.kinds = kinds,
		.looks = 1,
		.weight = weight,
		.contentions = contentions,
		.end = end,
		.n = 2,
		.state = 'S'};
	const struct frame frames[2] = {{place, 1, 0}, {99, 1, FRAME_RETURN}};

	assert_int_equal(interval_add_stack(i, &w, frames, thread), 0);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (kinds & KIND(kind))
			i->stats.captured[kind]++;
}

static void close_at(struct interval *i, uint64_t began, uint64_t ended)
{
	i->began = began;
	i->wall_began = began + 5;
	i->ended = ended;
}

struct found {
	const struct interval *in;
	uint64_t place;
	int32_t pid;
	int64_t count;
	uint64_t weight, entries, frames;
};

static int find(void *arg, const struct table_entry *e)
{
	struct found *f = arg;

	f->entries++;
	if (e->frames[0].offset != f->place || (f->pid && f->in->threads[e->thread].pid != f->pid))
		return 0;
	f->count += e->count;
	f->weight += e->weight;
	f->frames = e->n;
	return 0;
}

static struct found look(const struct interval *i, enum profile_kind kind, uint64_t place)
{
	struct found f = {.in = i, .place = place};

	assert_int_equal(table_each(i->tables[kind], find, &f), 0);
	return f;
}

static int add(const struct interval *from, uint32_t kinds, int32_t pid, int is_less)
{
	const struct sum_part p = {.kinds = kinds, .pid = pid, .is_less = is_less};

	return sum_add(&sum, from, &p);
}

/* --- tests -------------------------------------------------------------------------------- */

/* The same thread in both, and one that only the second knows. */
static void what_two_intervals_have_is_there(void **state)
{
	(void)state;
	uint32_t a = thread(&part[0], 3, 50, "main", 4 * MS, LIFE_BEGAN);
	stack(&part[0], KIND(PROFILE_CPU), a, 1, WEIGHT_ONE, 0, STACK_DONE);
	assert_int_equal(interval_add_process(&part[0], 50, 4 * MS, 0), 0);
	close_at(&part[0], 100, 200);
	thread(&part[1], 9, 50, "other", MS, 0);
	uint32_t b = thread(&part[1], 3, 50, "renamed", 2 * MS, LIFE_ENDED);
	stack(&part[1], KIND(PROFILE_CPU), b, 1, 2 * WEIGHT_ONE, 0, STACK_DONE);
	stack(&part[1], KIND(PROFILE_CPU), b, 2, WEIGHT_ONE, 0, STACK_NO_CFI);
	assert_int_equal(interval_add_process(&part[1], 50, 3 * MS, 1), 0);
	close_at(&part[1], 200, 350);
	assert_int_equal(add(&part[0], KIND(PROFILE_CPU), 0, 0), 0);
	assert_int_equal(add(&part[1], KIND(PROFILE_CPU), 0, 0), 0);

	assert_int_equal(sum.began, 100);
	assert_int_equal(sum.wall_began, 105);
	assert_int_equal(sum.ended, 350);
	assert_int_equal(sum.number, 7);
	assert_int_equal(sum.clock, 7 * MS);
	assert_int_equal(sum.threads_ended, 1);
	assert_int_equal(sum.n_threads, 2);
	assert_int_equal(sum.threads[0].cpu, 6 * MS);
	assert_string_equal(sum.threads[0].name, "renamed");
	/* It began in the one and ended in the other: inside the sum. */
	assert_int_equal(sum.threads[0].is_brief, 1);
	assert_int_equal(sum.threads[1].is_brief, 0);
	assert_int_equal(sum.received[PROFILE_CPU], 3);
	assert_int_equal(sum.stats.captured[PROFILE_CPU], 3);
	assert_int_equal(sum.ends[PROFILE_CPU][STACK_NO_CFI], 1);
	struct found f = look(&sum, PROFILE_CPU, 1);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.weight, 3 * WEIGHT_ONE);
	assert_int_equal(f.frames, 2);
	/* Its end is still a root frame, once. */
	assert_int_equal(look(&sum, PROFILE_CPU, 2).frames, 3);
}

static void other_kinds_stay_out(void **state)
{
	(void)state;
	uint32_t a = thread(&part[0], 3, 50, "main", 0, 0);
	stack(&part[0], KIND(PROFILE_CPU) | KIND(PROFILE_WALL), a, 1, WEIGHT_ONE, 0, STACK_DONE);
	close_at(&part[0], 100, 200);
	assert_int_equal(add(&part[0], KIND(PROFILE_WALL), 0, 0), 0);
	assert_int_equal(look(&sum, PROFILE_WALL, 1).count, 1);
	assert_int_equal(look(&sum, PROFILE_CPU, 1).entries, 0);
	assert_int_equal(sum.received[PROFILE_CPU], 0);
	assert_int_equal(sum.stats.captured[PROFILE_CPU], 0);
}

/* Captures that brought nothing are said of each process. */
static void one_process_of_several(void **state)
{
	(void)state;
	uint32_t a = thread(&part[0], 3, 50, "a", 4 * MS, 0);
	uint32_t b = thread(&part[0], 4, 60, "b", 5 * MS, 0);
	stack(&part[0], KIND(PROFILE_CPU), a, 1, WEIGHT_ONE, 0, STACK_DONE);
	stack(&part[0], KIND(PROFILE_CPU), b, 1, WEIGHT_ONE, 0, STACK_NO_CFI);
	stack(&part[0], KIND(PROFILE_CPU), b, 1, WEIGHT_ONE, 0, STACK_DONE);
	part[0].stats.captured[PROFILE_CPU] += 2; /* lost on the way */
	assert_int_equal(interval_add_process(&part[0], 50, 4 * MS, 0), 0);
	assert_int_equal(interval_add_process(&part[0], 60, 7 * MS, 3), 0);
	close_at(&part[0], 100, 200);
	assert_int_equal(add(&part[0], KIND(PROFILE_CPU), 60, 0), 0);
	assert_int_equal(sum.n_threads, 1);
	assert_int_equal(sum.threads[0].pid, 60);
	assert_int_equal(sum.clock, 7 * MS);
	assert_int_equal(sum.threads_ended, 3);
	assert_int_equal(interval_ended_cpu(&sum), 2 * MS);
	assert_int_equal(sum.received[PROFILE_CPU], 2);
	assert_int_equal(interval_lost(&sum, PROFILE_CPU), 2);
	assert_int_equal(sum.ends[PROFILE_CPU][STACK_DONE], 1);
	assert_int_equal(sum.ends[PROFILE_CPU][STACK_NO_CFI], 1);
	assert_int_equal(look(&sum, PROFILE_CPU, 1).entries, 2);
	assert_int_equal(look(&sum, PROFILE_CPU, 1).count, 2);
}

/* Who stayed is gone from a difference, who went is negative. */
static void a_difference(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint32_t stays = thread(&part[i], 3, 50, "stays", 0, 0);
		stack(&part[i], KIND(PROFILE_THREADS), stays, 1, WEIGHT_ONE, 0, STACK_DONE);
		uint32_t moves = thread(&part[i], 10 + i, 50, i ? "comes" : "goes", 0, 0);
		stack(&part[i], KIND(PROFILE_THREADS), moves, 10 + i, WEIGHT_ONE, 0, STACK_DONE);
		close_at(&part[i], 100 * i, 100 * i + 50);
	}
	assert_int_equal(add(&part[0], KIND(PROFILE_THREADS), 0, 1), 0);
	assert_int_equal(add(&part[1], KIND(PROFILE_THREADS), 0, 0), 0);
	assert_int_equal(look(&sum, PROFILE_THREADS, 1).count, 0);
	assert_int_equal(look(&sum, PROFILE_THREADS, 1).weight, 0);
	assert_int_equal(look(&sum, PROFILE_THREADS, 10).count, -1);
	assert_int_equal(look(&sum, PROFILE_THREADS, 11).count, 1);
}

/* Ten ticks of 1 Hz, and a thousand of 100 Hz, in which a thread waited at half of them. */
static void counters_are_times(void **state)
{
	(void)state;
	const uint64_t over[2] = {10000 * MS, 9900 * MS};
	const uint32_t ticks[2] = {10, 1000};

	for (int i = 0; i < 2; i++) {
		uint32_t a = thread(&part[i], 3 + i, 50, "pool", 0, 0);
		uint32_t b = thread(&part[i], 20 + i, 50, "pool", 0, 0);
		for (uint32_t t = 0; t < ticks[i] / 2; t++)
			stack(&part[i], KIND(PROFILE_BLOCK), t % 2 ? a : b, 1, WEIGHT_ONE, !t,
				STACK_DONE);
		part[i].stats.ticks_weight = (uint64_t)ticks[i] * WEIGHT_ONE;
		close_at(&part[i], 0, over[i]);
		assert_int_equal(sum_count(&sum, &part[i], KIND(PROFILE_BLOCK), over[i]), 0);
	}
	struct found f = look(&sum, PROFILE_BLOCK, 1);
	assert_int_equal(f.weight, (over[0] + over[1]) / 2);
	assert_int_equal(f.count, 2);
	/* All threads of a name are one, and have no id. */
	assert_int_equal(f.entries, 1);
	assert_int_equal(sum.n_threads, 1);
	assert_int_equal(sum.threads[0].tid, 0);
	assert_string_equal(sum.threads[0].name, "pool");
	assert_int_equal(sum.stats.ticks_weight, over[0] + over[1]);
}

/* It begins in the first interval, in which others had counted it before, and lasts. */
static void a_wait_that_lasts_counts_once(void **state)
{
	(void)state;
	const struct frame frame = {1, 1, 0};
	struct worker_stack w = {
		.kinds = KIND(PROFILE_BLOCK), .weight = WEIGHT_ONE, .n = 1, .again = 1};
	struct interval counters;

	assert_int_equal(interval_init(&counters, 0), 0);
	for (int i = 0; i < 2; i++) {
		thread(&part[i], 3, 50, "waits", 0, 0);
		assert_int_equal(interval_add_stack(&part[i], &w, &frame, 0), 0);
		part[i].stats.ticks_weight = WEIGHT_ONE;
		close_at(&part[i], i * MS, (i + 1) * MS);
		assert_int_equal(add(&part[i], KIND(PROFILE_BLOCK), 0, 0), 0);
		assert_int_equal(sum_count(&counters, &part[i], KIND(PROFILE_BLOCK), MS), 0);
	}
	assert_int_equal(look(&sum, PROFILE_BLOCK, 1).count, 1);
	assert_int_equal(look(&sum, PROFILE_BLOCK, 1).weight, 2 * WEIGHT_ONE);
	assert_int_equal(look(&counters, PROFILE_BLOCK, 1).count, 0);
	assert_int_equal(look(&counters, PROFILE_BLOCK, 1).weight, 2 * MS);
	interval_fini(&counters);
}

/* Names that are equal in their hash must not be one thread: all names of two letters. */
static void names_are_told_apart(void **state)
{
	(void)state;
	char name[3] = "";

	for (int i = 0; i < 26 * 26; i++) {
		name[0] = 'a' + i / 26;
		name[1] = 'a' + i % 26;
		uint32_t t = thread(&part[0], i, 50 + i % 2, name, 0, 0);
		stack(&part[0], KIND(PROFILE_MUTEX), t, i, WEIGHT_ONE, 1, STACK_DONE);
	}
	part[0].stats.ticks_weight = WEIGHT_ONE;
	close_at(&part[0], 0, MS);
	assert_int_equal(sum_count(&sum, &part[0], KIND(PROFILE_MUTEX), MS), 0);
	assert_int_equal(sum.n_threads, 26 * 26);
	for (int i = 0; i < 26 * 26; i++)
		assert_int_equal(look(&sum, PROFILE_MUTEX, i).count, 1);
}

/* A sum can be a part of another one: of one process, of what was counted of all. */
static void a_sum_of_a_sum(void **state)
{
	(void)state;
	uint32_t a = thread(&part[0], 3, 50, "a", 0, 0), b = thread(&part[0], 4, 60, "b", 0, 0);
	stack(&part[0], KIND(PROFILE_BLOCK), a, 1, WEIGHT_ONE, 1, STACK_DONE);
	stack(&part[0], KIND(PROFILE_BLOCK), b, 2, WEIGHT_ONE, 1, STACK_DONE);
	part[0].stats.ticks_weight = WEIGHT_ONE;
	close_at(&part[0], 0, MS);
	assert_int_equal(sum_count(&part[1], &part[0], KIND(PROFILE_BLOCK), MS), 0);
	assert_int_equal(add(&part[1], KIND(PROFILE_BLOCK), 60, 0), 0);
	assert_int_equal(look(&sum, PROFILE_BLOCK, 1).count, 0);
	assert_int_equal(look(&sum, PROFILE_BLOCK, 2).weight, MS);
}

#define T(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_two_intervals_have_is_there),
		T(other_kinds_stay_out),
		T(one_process_of_several),
		T(a_difference),
		T(counters_are_times),
		T(a_wait_that_lasts_counts_once),
		T(names_are_told_apart),
		T(a_sum_of_a_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
