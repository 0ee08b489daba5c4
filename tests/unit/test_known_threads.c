/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/known_threads: the same threads under the serials of tracers that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/known_threads.h"

static struct known_threads k;

static int begin(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	return 0;
}

static int end(void **state)
{
	(void)state;
	known_threads_fini(&k);
	return 0;
}

enum { OLD, NEW }; /* was there before the tracer, or born under its eyes */
enum { FIRST, AGAIN };

static int tell(uint32_t serial, int tid, uint64_t cpu, int is_new, int is_again)
{
	struct tracer_thread t = {.serial = serial,
		.tid = tid,
		.start_time = 1000 + tid,
		.cpu = cpu,
		.is_new = is_new,
		.name = "worker"};

	return known_threads_tell(&k, &t, 77, is_again, 0);
}

static int tell_end(uint32_t serial, int tid, uint64_t cpu, uint32_t interval)
{
	struct tracer_thread t = {
		.serial = serial, .tid = tid, .start_time = 1000 + tid, .cpu = cpu, .has_ended = 1};

	return known_threads_tell(&k, &t, 77, 0, interval);
}

static uint32_t key_of(uint32_t serial)
{
	const struct known_thread *t = known_threads_find(&k, serial);

	assert_non_null(t);
	return t->key;
}

static uint64_t take(uint32_t serial)
{
	uint64_t left_out, cpu = known_threads_take_cpu(known_threads_find(&k, serial), &left_out);

	assert_int_equal(left_out, 0);
	return cpu;
}

static void a_thread_is_found_by_its_serial(void **state)
{
	(void)state;
	assert_null(known_threads_find(&k, 0));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(tell(i, 5000 + i, i, OLD, FIRST), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct known_thread *t = known_threads_find(&k, i);
		assert_int_equal(t->info.tid, 5000 + i);
		assert_int_equal(t->info.pid, 77);
		assert_int_equal(t->info.start_time, 6000 + i);
		assert_string_equal(t->info.name, "worker");
	}
	assert_null(known_threads_find(&k, 1000));
	assert_int_equal(k.next_serial, 1000);
	assert_int_equal(k.n, 1000);
}

/* A thread may rename itself; a name without end is cut. */
static void the_last_name_counts(void **state)
{
	struct tracer_thread t = {.serial = 1, .tid = 9};

	(void)state;
	tell(1, 9, 0, OLD, FIRST);
	memset(t.name, 'n', sizeof(t.name));
	assert_int_equal(known_threads_tell(&k, &t, 77, 0, 0), 0);
	assert_string_equal(known_threads_find(&k, 1)->info.name, "nnnnnnnnnnnnnnn");
	assert_int_equal(k.n, 1);
}

/* Three tracers, one after the other, each with serials of its own for the same threads. */
static void a_restarted_tracer_tells_of_the_same_threads(void **state)
{
	(void)state;
	enum { N = 50 };
	for (uint32_t i = 0; i < N; i++)
		tell(i, 100 + i, 0, OLD, FIRST);
	for (uint32_t again = 1; again <= 2; again++)
		for (uint32_t i = 0; i < N; i++) {
			uint32_t serial = again * N + (N - 1 - i); /* in another order */
			assert_int_equal(k.next_serial > serial, i != 0);
			assert_int_equal(tell(serial, 100 + i, 10 * again, OLD, AGAIN), 0);
			assert_int_equal(key_of(serial), key_of(i));
		}
	assert_int_equal(k.n, N);
	assert_int_equal(take(7), 20);
	/* The same id with another start is another thread. */
	struct tracer_thread t = {.serial = 3 * N, .tid = 100, .start_time = 1};
	assert_int_equal(known_threads_tell(&k, &t, 77, 1, 0), 0);
	assert_int_equal(k.n, N + 1);
	assert_int_not_equal(key_of(3 * N), key_of(0));
}

/* What a thread used under a name that is left out is not what it used under another one. */
static void a_name_that_is_left_out(void **state)
{
	struct tracer_thread t = {.serial = 0, .tid = 10, .cpu = 500, .is_left_out = 1};
	static const struct {
		uint64_t cpu;
		uint32_t is_left_out;
	} told[] = {{530, 1}, {540, 0}, {600, 0}, {607, 1}, {610, 1}};
	uint64_t left_out;

	(void)state;
	known_threads_tell(&k, &t, 77, FIRST, 0);
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		t.cpu = told[i].cpu;
		t.is_left_out = told[i].is_left_out;
		known_threads_tell(&k, &t, 77, FIRST, 0);
	}
	struct known_thread *known = known_threads_find(&k, 0);
	assert_int_equal(known_threads_take_cpu(known, &left_out), 67);
	assert_int_equal(left_out, 43);
	assert_int_equal(known_threads_take_cpu(known, &left_out), 0);
	assert_int_equal(left_out, 0);
	/* Born under such a name. */
	t = (struct tracer_thread){
		.serial = 1, .tid = 11, .cpu = 40, .is_new = 1, .is_left_out = 1};
	known_threads_tell(&k, &t, 77, FIRST, 0);
	known = known_threads_find(&k, 1);
	assert_int_equal(known_threads_take_cpu(known, &left_out), 0);
	assert_int_equal(left_out, 40);
}

/* CPU from before the window is not of it; that of a thread born in it is. */
static void cpu_counts_from_the_begin_of_the_window(void **state)
{
	(void)state;
	tell(0, 10, 500, OLD, FIRST);
	tell(1, 11, 40, NEW, FIRST);
	assert_int_equal(take(0), 0);
	assert_int_equal(take(1), 40);
	tell(0, 10, 530, OLD, FIRST);
	tell(1, 11, 45, NEW, FIRST);
	assert_int_equal(take(0), 30);
	assert_int_equal(take(0), 0);
	assert_int_equal(take(1), 5);
	/* A restarted tracer knows neither; one that nobody knew was born meanwhile. */
	tell(2, 10, 531, OLD, AGAIN);
	tell(3, 11, 47, OLD, AGAIN);
	tell(4, 12, 8, OLD, AGAIN);
	assert_int_equal(take(2), 1);
	assert_int_equal(take(1), 2);
	assert_int_equal(take(4), 8);
}

/* However often it is taken: all that was used, each nanosecond once. An older figure that comes
 * late takes nothing back. */
static void taken_cpu_sums_up(void **state)
{
	(void)state;
	uint64_t cpu = 123456, sum = 0;
	tell(0, 10, cpu, OLD, FIRST);
	for (uint32_t i = 0; i < 1000; i++) {
		cpu += i * 7 % 13;
		tell(0, 10, cpu, OLD, FIRST);
		tell(0, 10, cpu - i % 5, OLD, FIRST);
		if (i % 3)
			sum += take(0);
	}
	sum += take(0);
	assert_int_equal(sum, cpu - 123456);
}

static void a_thread_ends_once(void **state)
{
	(void)state;
	tell(0, 10, 5, NEW, FIRST);
	assert_int_equal(tell_end(0, 10, 9, 3), 1);
	assert_int_equal(tell_end(0, 10, 9, 4), 0);
	assert_int_equal(known_threads_find(&k, 0)->ended_in, 3);
	assert_int_equal(take(0), 9);
	/* One that was never seen alive. */
	assert_int_equal(tell_end(1, 11, 2, 4), 1);
}

/* Every third ends in interval 1, every third in 2; each has two serials. */
static void the_living_are_not_forgotten(void **state)
{
	(void)state;
	enum { N = 90 };
	uint32_t keys[N];
	for (uint32_t i = 0; i < N; i++)
		tell(i, 100 + i, 0, OLD, FIRST);
	for (uint32_t i = 0; i < N; i++) {
		tell(N + i, 100 + i, i, OLD, AGAIN);
		keys[i] = key_of(i);
		if (i % 3)
			tell_end(i, 100 + i, i, i % 3);
	}
	assert_int_equal(known_threads_forget(&k, 0), 0);
	assert_int_equal(k.n, N);
	for (uint32_t interval = 1; interval <= 2; interval++) {
		assert_int_equal(known_threads_forget(&k, interval), 0);
		assert_int_equal(k.n, N - interval * N / 3);
		for (uint32_t i = 0; i < 2 * N; i++) {
			const struct known_thread *t = known_threads_find(&k, i);
			uint32_t ended = i % N % 3;
			if (ended && ended <= interval) {
				assert_null(t);
				continue;
			}
			assert_non_null(t);
			assert_int_equal(t->key, keys[i % N]);
			assert_int_equal(t->info.tid, 100 + i % N);
			assert_int_equal(t->cpu, i % N);
		}
	}
}

/* A key names a thread in files that are written; a serial may still be in a capture. */
static void keys_and_serials_are_never_used_again(void **state)
{
	(void)state;
	enum { ROUNDS = 300 };
	static uint8_t used[ROUNDS];
	for (uint32_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(k.next_serial, i);
		tell(i, 100, 0, NEW, FIRST);
		uint32_t key = key_of(i);
		assert_in_range(key, 0, ROUNDS - 1);
		assert_false(used[key]++);
		tell_end(i, 100, 0, i);
		assert_int_equal(known_threads_forget(&k, i), 0);
		assert_int_equal(k.n, 0);
		assert_null(known_threads_find(&k, i));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thread_is_found_by_its_serial),
		TEST(the_last_name_counts),
		TEST(a_restarted_tracer_tells_of_the_same_threads),
		TEST(a_name_that_is_left_out),
		TEST(cpu_counts_from_the_begin_of_the_window),
		TEST(taken_cpu_sums_up),
		TEST(a_thread_ends_once),
		TEST(the_living_are_not_forgotten),
		TEST(keys_and_serials_are_never_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
