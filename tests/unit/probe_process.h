/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that allocates until it is told to end, does what it is asked for in between, and says
 * how far it got; and the probe for it.
 */
#ifndef TEST_PROBE_PROCESS_H
#define TEST_PROBE_PROCESS_H

#include "tests/unit/probe_fixture.h"

static struct probe probe = {.memory = -1};
static struct report {
	_Atomic uint64_t turns, is_over, wrong, swaps, page;
	void (*_Atomic asked)(void);
	int victim, number;
} * report;

static void works(void)
{
	void *v[16] = {NULL};

	for (unsigned i = 0; !report->is_over; i++) {
		free(v[i % 16]);
		v[i % 16] = malloc(100 + i % 1000);
		report->turns++;
		if (i % 64 == 0) {
			sigset_t set;
			sigprocmask(SIG_SETMASK, NULL, &set);
			report->wrong += sigismember(&set, SIGUSR2);
		}
		if (report->asked) {
			report->asked();
			report->asked = NULL;
		}
	}
	_exit(0);
}

/* Has the process do that. */
static inline void ask(void (*what)(void))
{
	report->asked = what;
	while (report->asked)
		usleep(1000);
}

static pid_t begin(void (*first)(void))
{
	report->turns = report->is_over = report->wrong = report->swaps = 0;
	report->asked = NULL;
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

/* It works on, and ends as it should. */
static void end(pid_t pid)
{
	uint64_t before = report->turns;
	int status;

	while (report->turns == before)
		usleep(1000);
	report->is_over = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(report->wrong, 0);
}

static int process_set_up(void **arg)
{
	(void)arg;
	report = probe_set_up(sizeof(*report));
	return !report;
}

#endif
