/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * states [SECONDS]: threads that are always in one state, and one ("half") that computes for 20 ms
 * and sleeps for 30. Truth: of half the ns that it ran, that it waited for a CPU, and that passed.
 */
#include "target.h"

#include <sys/wait.h>

WORK(compute)

static FRAME void sleep_for_ever(void)
{
	while (!target_stopping)
		target_sleep_us(100000000);
	KEEP_FRAME();
}

static void *run_sleeper(void *arg)
{
	sleep_for_ever();
	return arg;
}

static void *run_spinner(void *arg)
{
	while (target_running())
		compute(1000);
	return arg;
}

/* The parent of a vfork is in state D until the child ends. */
static FRAME void wait_for_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		struct timespec ts = {3600, 0};
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		syscall(SYS_nanosleep, &ts, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	KEEP_FRAME();
}

static void *run_vforker(void *arg)
{
	wait_for_vfork();
	return arg;
}

static uint64_t ran, queued, passed;

static FRAME void pause_half(void)
{
	target_sleep_us(30000);
	KEEP_FRAME();
}

static void *run_half(void *arg)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	while (target_running()) {
		uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from < 20000000)
			compute(100);
		pause_half();
	}
	passed = clock_ns(CLOCK_MONOTONIC) - began;
	if (!f || fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &queued) != 2)
		exit(1);
	fclose(f);
	return arg;
}

int main(int argc, char **argv)
{
	target_init(arg_number(argc, argv, 1, 0));
	target_block_term();
	target_thread("sleeper", run_sleeper, NULL);
	target_thread("spinner", run_spinner, NULL);
	target_thread("vforker", run_vforker, NULL);
	pthread_t half = target_thread("half", run_half, NULL);
	target_sleep_us(50000);
	target_ready();
	while (target_wait(0))
		;
	pthread_join(half, NULL);
	truth("ran", ran);
	truth("queued", queued);
	truth("passed", passed);
	fflush(stdout);
	_exit(0);
}
