/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor -p PID -hz H -seconds S: the least that a sample by ptrace can cost. For each thread that
 * is in state R at a tick: SEIZE, INTERRUPT, waitpid, GETREGSET, process_vm_readv of 16 KiB,
 * DETACH; nothing else. The threads that have used CPU are looked for once, at the start. Ticks
 * are jittered as the profiler's are, so that both meet the same moments.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most_threads = 4096, stack_bytes = 16 << 10 };

struct thread {
	pid_t tid;
	int stat_fd;
};

static struct thread threads[most_threads];
static int thread_count;
static uint32_t *pauses_ns;
static uint64_t samples, most_samples;
static char stack[stack_bytes];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_of(int pid, const char *tid)
{
	char path[300];
	uint64_t cpu = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &cpu) != 1)
		cpu = 0;
	fclose(f);
	return cpu;
}

/* Threads whose CPU time moves within 200 ms, or that have used 50 ms so far. */
static void find_busy(int pid)
{
	static uint64_t before[most_threads];
	char path[300];
	struct dirent *e;
	DIR *dir;

	for (int pass = 0; pass < 2; pass++) {
		int i = 0;

		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		dir = opendir(path);
		while (dir && (e = readdir(dir)) && i < most_threads) {
			uint64_t cpu;

			if (e->d_name[0] == '.')
				continue;
			cpu = cpu_of(pid, e->d_name);
			if (pass == 0) {
				before[i++] = cpu;
				continue;
			}
			if (cpu == before[i++] && cpu < 50000000)
				continue;
			snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, e->d_name);
			threads[thread_count].tid = atoi(e->d_name);
			threads[thread_count++].stat_fd = open(path, O_RDONLY | O_CLOEXEC);
		}
		if (dir)
			closedir(dir);
		if (pass == 0)
			usleep(200000);
	}
}

static int is_running(const struct thread *t)
{
	char text[256];
	ssize_t n = pread(t->stat_fd, text, sizeof(text) - 1, 0);
	char *end;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && end[2] == 'R';
}

static void sample(const struct thread *t)
{
	struct user_regs_struct regs;
	struct iovec regs_to = {&regs, sizeof(regs)};
	struct iovec local = {stack, sizeof(stack)}, remote = {NULL, sizeof(stack)};
	uint64_t before;
	int status;

	if (ptrace(PTRACE_SEIZE, t->tid, 0, 0))
		return;
	before = now_ns();
	ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
	if (waitpid(t->tid, &status, __WALL) != t->tid || !WIFSTOPPED(status))
		return;
	ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_PRSTATUS, &regs_to);
#if defined(__x86_64__)
	remote.iov_base = (void *)regs.rsp;
#elif defined(__aarch64__)
	remote.iov_base = (void *)regs.sp;
#endif
	(void)!process_vm_readv(t->tid, &local, 1, &remote, 1, 0);
	ptrace(PTRACE_DETACH, t->tid, 0,
		(void *)(long)(status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status)
										: 0));
	if (samples < most_samples)
		pauses_ns[samples++] = (uint32_t)(now_ns() - before);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(void)
{
	double cpu = (double)own_cpu_ns() / 1000;

	qsort(pauses_ns, samples, sizeof(*pauses_ns), ascending);
	printf("samples %" PRIu64 "\n", samples);
	if (!samples)
		return;
	printf("pause_p50_us %.1f\n", pauses_ns[samples / 2] / 1000.0);
	printf("pause_p99_us %.1f\n", pauses_ns[samples * 99 / 100] / 1000.0);
	printf("cpu_us %.0f\n", cpu);
	printf("cpu_per_sample_us %.1f\n", cpu / (double)samples);
}

int main(int argc, char **argv)
{
	uint64_t hz = 100, seconds = 10, next, end, seed = 88172645463325252u;
	int pid = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-p"))
			pid = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-hz"))
			hz = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "-seconds"))
			seconds = strtoull(argv[i + 1], NULL, 10);
	}
	if (pid <= 0 || !hz) {
		fprintf(stderr, "usage: floor -p PID [-hz H] [-seconds S]\n");
		return 2;
	}
	find_busy(pid);
	most_samples = hz * seconds * 2 * (uint64_t)(thread_count ? thread_count : 1);
	pauses_ns = malloc(most_samples * sizeof(*pauses_ns));
	(void)!nice(-20);
	next = now_ns();
	end = next + seconds * 1000000000u;
	while (next < end) {
		struct timespec t = {(time_t)(next / 1000000000u), (long)(next % 1000000000u)};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		for (int i = 0; i < thread_count; i++) {
			if (is_running(&threads[i]))
				sample(&threads[i]);
		}
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		next += 1000000000u / hz / 2 + seed % (1000000000u / hz);
	}
	report();
	return 0;
}
