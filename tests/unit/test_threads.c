/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/threads: when a thread left its CPU. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/threads.h"

static void the_time_of_the_last_switch(void **state)
{
	(void)state;
	assert_true(threads_switch_time("redis-server (3264, #threads: 5)\n"
					"---------------------------------\n"
					"se.exec_start                 :       8045136.504294\n"
					"se.vruntime                   :       3534331.264060\n") ==
		    8045136504294);
	assert_true(threads_switch_time("x\nse.exec_start:0.000001\n") == 1);
	static const char *const texts[] = {"", "se.exec_start : 1.000000\n", "x\nse.exec_start",
		"x\nse.exec_start :", "x\nse.exec_start : 12\n", "x\nse.exec_start : 12.5\n",
		"x\nse.vruntime : 1.000000\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(threads_switch_time(texts[i]) == 0);
}

static void our_own_moves_on(void **state)
{
	(void)state;
	uint64_t before = threads_own_switch();
	if (!before)
		skip(); /* a kernel without scheduler debugging */
	struct timespec pause = {.tv_nsec = 2000000};
	nanosleep(&pause, NULL);
	assert_true(threads_own_switch() > before);
}

/* Only its own file can say that a thread has ended. */
static void a_failed_look_is_no_end(void **state)
{
	(void)state;
	struct thread th = {.schedstat_fd = -1, .last = {.cpu = 5, .runs = 1}};

	assert_int_equal(thread_look(&th, 1), -EBADF);
	assert_false(th.ended);
	assert_false(th.unsent);
	assert_true(th.last.cpu == 5);
}

static void *spin(void *until)
{
	while (!__atomic_load_n((int *)until, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* A tick that meets a new thread running need not wait for the next to know. */
static void a_new_thread_is_met_running(void **state)
{
	(void)state;
	struct target target = {.pid = getpid(), .proc = open("/proc/self", O_RDONLY), .pidfd = -1};
	struct threads t;
	uint32_t serial = 0, found = 0;
	int until = 0;
	pthread_t id;

	threads_init(&t, &target, NULL, &serial, threads_time());
	assert_int_equal(threads_refresh(&t), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(pthread_create(&id, NULL, spin, &until), 0);
	assert_int_equal(threads_refresh(&t), 0);
	__atomic_store_n(&until, 1, __ATOMIC_RELAXED);
	pthread_join(id, NULL);
	for (uint32_t i = 0; i < t.n; i++)
		if (t.v[i].tid != getpid()) {
			found++;
			assert_true(t.v[i].was_running);
			/* The look of this very tick must not take it away. */
			thread_look(&t.v[i], 1);
			assert_true(t.v[i].was_running);
		}
	assert_int_equal(found, 1);
	threads_fini(&t);
	close(target.proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_time_of_the_last_switch),
		cmocka_unit_test(our_own_moves_on), cmocka_unit_test(a_failed_look_is_no_end),
		cmocka_unit_test(a_new_thread_is_met_running)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
