/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exit_latency ROUNDS [PROFILER ARG...]: children with three busy threads end after a while, by
 * exit, by SIGKILL, by a fault, in turn; each is profiled from before ("-p PID" is added). Their
 * parent must see how each ended; "latency_us N" is how long after. A profiler may come too late
 * (exit status 3 or 4); "truth profiled" counts those that did not.
 */
#include "target.h"

#include <sys/mman.h>
#include <sys/wait.h>

struct shared {
	uint64_t ended_at;
	int stop;
};

static struct shared *shared;

static FRAME void last_work(void)
{
	SPIN(target.per_us * 100);
	KEEP_FRAME();
}

static void *busy(void *arg)
{
	for (;;)
		last_work();
	return arg;
}

static void end(int round)
{
	shared->ended_at = clock_ns(CLOCK_MONOTONIC);
	if (round % 3 == 0)
		_exit(7 + round % 100);
	if (round % 3 == 1)
		kill(getpid(), SIGKILL);
	__builtin_trap();
}

static void child(int round)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0); /* no core file */
	for (int i = 0; i < 2; i++)
		target_thread("busy", busy, NULL);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED))
		last_work();
	end(round);
}

static int is_right(int round, int status)
{
	if (round % 3 == 0)
		return WIFEXITED(status) && WEXITSTATUS(status) == 7 + round % 100;
	return WIFSIGNALED(status) && WTERMSIG(status) == (round % 3 == 1 ? SIGKILL : SIGILL);
}

static pid_t start_profiler(pid_t pid, int argc, char **argv)
{
	char number[16], **args = calloc((size_t)argc + 3, sizeof(*args));
	pid_t profiler = argc ? fork() : -1;

	if (profiler == 0) {
		snprintf(number, sizeof(number), "%d", pid);
		memcpy(args, argv, (size_t)argc * sizeof(*args));
		args[argc] = "-p";
		args[argc + 1] = number;
		execvp(args[0], args);
		_exit(127);
	}
	free(args);
	return profiler;
}

int main(int argc, char **argv)
{
	int rounds = (int)arg_number(argc, argv, 1, 30);
	uint64_t wrong = 0, failed = 0, profiled = 0;
	uint32_t seed = 7;

	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	target_init(0);
	target_ready();
	for (int round = 0; round < rounds; round++) {
		int status = 0, ours = 0;
		pid_t pid, profiler;

		shared->stop = 0;
		pid = fork();
		if (pid == 0)
			child(round);
		profiler = start_profiler(pid, argc > 2 ? argc - 2 : 0, argv + 2);
		target_sleep_us(200000 + next_random(&seed) % 20000);
		__atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
		waitpid(pid, &status, 0);
		printf("latency_us %" PRIu64 "\n",
			(clock_ns(CLOCK_MONOTONIC) - shared->ended_at) / 1000);
		wrong += !is_right(round, status);
		if (profiler > 0) {
			waitpid(profiler, &ours, 0);
			profiled += ours == 0;
			failed += !WIFEXITED(ours) ||
				  (ours && WEXITSTATUS(ours) != 3 && WEXITSTATUS(ours) != 4);
		}
	}
	truth("rounds", (uint64_t)rounds);
	truth("wrong_status", wrong);
	truth("profiled", profiled);
	truth("profiler_failed", failed);
	return wrong || failed;
}
