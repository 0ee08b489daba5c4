/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe put into a process of ours and taken out again, many times, while its threads allocate,
 * check what they wrote, start others, and have children: nothing is ever wrong there, and nothing
 * is left.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/now.h"
#include "tests/unit/probe_fixture.h"
/* After it: what allocates there is the C library. */
#include "tests/targets/alloc_storm.h"

#define CYCLES 40
#define KILLS  40

static int set_up(void **arg)
{
	(void)arg;
	find_allocator();
	return make_report();
}

/* More of them by hand. */
static int rounds(int n)
{
	const char *asked = getenv("ROUNDS");

	return asked ? atoi(asked) : n;
}

static void on_alarm(int signal)
{
	(void)signal;
}

static struct probe probe = {.memory = -1};

/* Samples that came in. */
static uint64_t drain(int tells)
{
	const struct probe_record *r;
	uint64_t n = 0;

	while ((r = records_next(&probe.records, clock_now()))) {
		n += r->kind == PROBE_KIND_SAMPLE;
		if (tells && r->kind == PROBE_KIND_THREAD)
			probe_tell_stack(&probe, r);
	}
	return n;
}

static void it_comes_and_goes(void **arg)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct probe_refused why;
	uint64_t samples = 0, lost = 0, longest = 0;
	int status;

	(void)arg;
	sigaction(SIGALRM, &sa, NULL);
	pid_t pid = fork();
	if (!pid)
		allocate_for_ever();
	usleep(100000);
	static char maps[TEXT], now[TEXT];
	uint64_t text = text_sum(pid);
	maps_text(pid, maps);
	for (int i = 0; i < rounds(CYCLES); i++) {
		if (probe_arm(&probe, pid, plan(65536), &why) < 0)
			fail_msg("cycle %d: cause %u, function %u, detail %d", i, why.cause,
				why.function, why.detail);
		assert_true(text_sum(pid) != text);
		for (int k = 0; k < 5; k++) {
			samples += drain(1);
			usleep(4000);
		}
		lost += probe.records.lost;
		assert_int_equal(probe_disarm(&probe), 0);
		assert_true(text_sum(pid) == text);
		is_as_before(maps, maps_text(pid, now), i);
		probe_forget(&probe);
		if (probe.remote.longest > longest)
			longest = probe.remote.longest;
	}
	print_message("%lu samples, %lu turns, %lu children; longest stop %lu us\n", samples,
		report->turns, report->children, longest / 1000);
	assert_int_equal(lost, 0);
	assert_int_equal(report->wrong, 0);
	assert_true(samples > 2 * (uint64_t)rounds(CYCLES) && report->signals > 10 &&
		    report->children > 3);
	report->is_over = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void arms_until_killed(pid_t pid)
{
	struct probe_refused why;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; usleep(1000)) {
		report->is_armed = 1;
		if (probe_arm(&probe, pid, plan(65536), &why) < 0)
			continue;
		drain(1);
		probe_disarm(&probe);
		probe_forget(&probe);
	}
}

/* On a busy machine some thread may not be met in time: as a user would, it is tried again. */
static int arm_soon(pid_t pid, struct probe_refused *why)
{
	int error = -1;

	for (int tries = 0; tries < 3 && error; tries++) {
		error = probe_arm(&probe, pid, plan(65536), why);
		if (error) {
			print_message("cause %u: again\n", why->cause);
			usleep(20000);
		}
	}
	return error;
}

static void who_is_killed_leaves_what_the_next_takes_out(void **arg)
{
	struct probe_refused why;
	int status;
	unsigned seed = 3;

	(void)arg;
	memset(report, 0, sizeof(*report));
	pid_t pid = fork();
	if (!pid)
		allocate_for_ever();
	usleep(50000);
	static char maps[TEXT], now[TEXT];
	uint64_t text = text_sum(pid);
	maps_text(pid, maps);
	for (int i = 0; i < rounds(KILLS); i++) {
		pid_t tracer = fork();
		if (!tracer)
			arms_until_killed(pid);
		while (!report->is_armed)
			usleep(1000);
		report->is_armed = 0;
		usleep(9000 + rand_r(&seed) % 10000);
		kill(tracer, SIGKILL);
		waitpid(tracer, &status, 0);
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		if (arm_soon(pid, &why) < 0)
			fail_msg("round %d: cause %u, function %u, detail %d", i, why.cause,
				why.function, why.detail);
		assert_int_equal(probe_disarm(&probe), 0);
		probe_forget(&probe);
		assert_true(text_sum(pid) == text);
		is_as_before(maps, maps_text(pid, now), i);
	}
	assert_int_equal(report->wrong, 0);
	report->is_over = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Each waits for a word, and does one thing. */
static void counts(int in, int out)
{
	static void *p[2000];
	char c;

	while (read(in, &c, 1) == 1) {
		for (int i = 0; i < 2000; i++) {
			if (c == 'a')
				p[i] = malloc(3000);
			else if (i < 1500)
				free(p[i]);
		}
		if (write(out, &c, 1) != 1)
			return;
	}
}

static void it_counts_what_is_there(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	const double p = -expm1(-3000.0 / 8192), error = sqrt(2000 * p * (1 - p));
	struct probe_refused why;
	int to[2], from[2], status;
	char c;

	(void)arg;
	assert_int_equal(pipe(to) | pipe(from), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		counts(to[0], from[1]);
		_exit(0);
	}
	assert_int_equal(probe_arm(&probe, pid, plan(8192), &why), 0);
	assert_int_equal(write(to[1], "a", 1) + read(from[0], &c, 1), 2);
	uint64_t dropped = RECORDS_FIGURE(&probe.records, dropped);
	double n = drain(0) + dropped;
	assert_true(fabs(n - 2000 * p) < 4 * error);
	uint32_t all = records_live(&probe.records, ids, RECORDS_LIVE);
	assert_int_equal(all, n - dropped);
	assert_int_equal(write(to[1], "f", 1) + read(from[0], &c, 1), 2);
	uint32_t left = records_live(&probe.records, ids, RECORDS_LIVE);
	assert_true(left < all && (!dropped || left <= all / 2));
	/* It ends while the probe is in it: what is known stays known. */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(records_live(&probe.records, ids, RECORDS_LIVE), left);
	assert_int_equal(probe_disarm(&probe), 0);
	assert_int_equal(records_live(&probe.records, ids, RECORDS_LIVE), left);
	probe_forget(&probe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_and_goes),
		cmocka_unit_test(who_is_killed_leaves_what_the_next_takes_out),
		cmocka_unit_test(it_counts_what_is_there),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
