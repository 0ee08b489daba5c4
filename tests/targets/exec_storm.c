/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec_storm [EXECS]: executes itself EXECS (300) times, each time from a thread that isn't the
 * leader while five siblings spin. Says how many it did and how long that took.
 */
#include "target.h"

static char *self = "/proc/self/exe";
static uint64_t left, done, started;

static FRAME void sibling_work(void)
{
	SPIN(target.per_us * 100);
	KEEP_FRAME();
}

static void *sibling(void *arg)
{
	for (;;)
		sibling_work();
	return arg;
}

static void finish(void)
{
	truth("execs", done);
	truth("wall_ms", (clock_ns(CLOCK_MONOTONIC) - started) / 1000000);
	truth("missing", left);
	fflush(stdout);
	_exit(0);
}

static void *run_again(void *arg)
{
	char numbers[3][32];
	char *args[] = {"exec_storm", numbers[0], numbers[1], numbers[2], NULL};

	(void)arg;
	if (!target_wait(5000 + (uint64_t)(getpid() + (int)done) % 7 * 1000) || !left)
		finish();
	snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, left - 1);
	snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, done + 1);
	snprintf(numbers[2], sizeof(numbers[2]), "%" PRIu64, started);
	execv(self, args);
	perror("execv");
	_exit(1);
}

int main(int argc, char **argv)
{
	left = arg_number(argc, argv, 1, 300);
	done = arg_number(argc, argv, 2, 0);
	started = arg_number(argc, argv, 3, clock_ns(CLOCK_MONOTONIC));
	target_block_term();
	setvbuf(stdout, NULL, _IOLBF, 0);
	target.per_us = 1000;
	if (!done)
		target_ready();
	for (int i = 0; i < 5; i++)
		target_thread("sibling", sibling, NULL);
	target_thread("exec", run_again, NULL);
	for (;;)
		pause();
}
