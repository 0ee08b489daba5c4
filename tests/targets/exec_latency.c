/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_latency [EXECS [SIBLINGS]]: executes itself EXECS (300) times with SIBLINGS (0) threads that
 * spin beside it: from the leader without any, else from a thread that isn't the leader. Each
 * program says how long its way from exec to main was: "latency_us N".
 */
#include "target.h"

static uint64_t left, siblings;
static volatile uint64_t spun;

static FRAME void before_exec(void)
{
	SPIN(2000000 + left % 7 * 700000);
	KEEP_FRAME();
}

static void *sibling(void *arg)
{
	for (;;)
		spun++;
	return arg;
}

static void *run_again(void *arg)
{
	char now[32], numbers[2][32];
	char *args[] = {"exec_latency", numbers[0], numbers[1], NULL};

	before_exec();
	if (!left)
		_exit(7);
	snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, left - 1);
	snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, siblings);
	snprintf(now, sizeof(now), "%" PRIu64, clock_ns(CLOCK_MONOTONIC));
	setenv("EXEC_AT", now, 1);
	execv("/proc/self/exe", args);
	perror("execv");
	_exit(1);
	return arg;
}

int main(int argc, char **argv)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	const char *at = getenv("EXEC_AT");

	setvbuf(stdout, NULL, _IOLBF, 0);
	left = arg_number(argc, argv, 1, 300);
	siblings = arg_number(argc, argv, 2, 0);
	if (at)
		printf("latency_us %" PRIu64 "\n", (now - (uint64_t)strtoull(at, NULL, 10)) / 1000);
	else
		target_ready();
	if (!at)
		usleep(500000); /* the profiler comes */
	for (uint64_t i = 0; i < siblings; i++)
		target_thread("sibling", sibling, NULL);
	if (!siblings)
		run_again(NULL);
	target_thread("exec", run_again, NULL);
	for (;;)
		pause();
}
