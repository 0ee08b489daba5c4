/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe and a process that writes, maps and opens what it should not while the probe comes, is
 * in, or goes: no file of another is touched, and its own code is as before.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/probe_fixture.h"

static struct probe probe = {.memory = -1};
static struct report {
	_Atomic uint64_t turns, is_over, swaps;
	int victim, number;
} * report;

static void works(void)
{
	void *v[16] = {NULL};

	for (unsigned i = 0; !report->is_over; i++) {
		free(v[i % 16]);
		v[i % 16] = malloc(100 + i % 1000);
		report->turns++;
	}
	_exit(0);
}

static pid_t begin(void (*first)(void))
{
	report->turns = report->is_over = report->swaps = 0;
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		free(malloc(1 << 16));
		if (first)
			first();
		works();
	}
	while (!report->turns)
		usleep(1000);
	return pid;
}

static void end(pid_t pid)
{
	uint64_t before = report->turns;
	int status;

	while (report->turns == before)
		usleep(1000);
	report->is_over = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- another file in the place of the probe's --- */

static void *swap(void *arg)
{
	(void)arg;
	for (;;) {
		if (fcntl(report->number, F_GETFD) < 0)
			continue;
		dup2(report->victim, report->number);
		report->swaps++;
		while (fcntl(report->number, F_GETFD) >= 0)
			;
	}
	return NULL;
}

static void swaps(void)
{
	pthread_t thread;

	report->number = dup(report->victim);
	close(report->number);
	pthread_create(&thread, NULL, swap, NULL);
}

static void no_file_of_another_is_written(void **arg)
{
	static char before[TEXT], now[TEXT];
	char path[] = "/tmp/test_probe_XXXXXX", text[16];
	struct probe_refused why;
	struct stat st;
	int refused = 0;

	(void)arg;
	report->victim = mkstemp(path);
	assert_int_equal(write(report->victim, "what it was", 11), 11);
	pid_t pid = begin(swaps);
	uint64_t sum = text_sum(pid);
	maps_text(pid, before);
	for (int i = 0; i < 40 && report->swaps < 5; i++) {
		refused += probe_arm(&probe, pid, plan(4096), &why) < 0;
		assert_int_equal(probe_disarm(&probe), 0);
		probe_forget(&probe);
		assert_true(text_sum(pid) == sum);
		is_as_before(before, maps_text(pid, now), i);
	}
	print_message("%lu times swapped, %d times refused\n", report->swaps, refused);
	assert_int_equal(fstat(report->victim, &st), 0);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(pread(report->victim, text, sizeof(text), 0), 11);
	assert_memory_equal(text, "what it was", 11);
	end(pid);
	unlink(path);
	close(report->victim);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static int set_up(void **arg)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	(void)arg;
	sigaction(SIGALRM, &sa, NULL);
	find_allocator();
	report = mmap(
		NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_of_another_is_written),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
