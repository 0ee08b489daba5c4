/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd [SECONDS [THREADS]]: THREADS (5000) threads, of which three work, with 60, 30 and 10 % of
 * the CPU time; the others wait. "truth disturbed" counts those that did not stay asleep.
 */
#include "target.h"

#include <fcntl.h>

enum { workers = 3, slice_us = 300 };

static const uint64_t slices[workers] = {6, 3, 1};
static uint64_t cpu[workers];
static volatile int done;
static pthread_barrier_t turn;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

WORK(crowd_60)
WORK(crowd_30)
WORK(crowd_10)

static void (*const work[workers])(uint64_t) = {crowd_60, crowd_30, crowd_10};

static void *worker(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	uint64_t left = 0;

	while (!done) {
		/* Each works its share of every turn of 100 slices, and waits for the others. */
		for (left = slices[i] * 10; left && !done; left--)
			work[i](slice_us);
		cpu[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		pthread_barrier_wait(&turn);
	}
	return NULL;
}

static void *wait_for_ever(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&never, &lock);
	return arg;
}

/* How often the thread was put on a CPU. */
static uint64_t runs_of(pid_t tid)
{
	char path[64], text[128] = "";
	char *at = text;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		exit(1);
	close(fd);
	strtoull(at, &at, 10);
	strtoull(at, &at, 10);
	return strtoull(at, NULL, 10);
}

static pid_t *tids;
static uint64_t *runs, waiting;

static void *start_waiting(void *arg)
{
	tids[(uintptr_t)arg] = (pid_t)syscall(SYS_gettid);
	__atomic_fetch_add(&waiting, 1, __ATOMIC_RELAXED);
	return wait_for_ever(arg);
}

static void start(uint64_t threads)
{
	tids = calloc(threads, sizeof(*tids));
	runs = calloc(threads, sizeof(*runs));
	for (uintptr_t i = 0; i < threads; i++)
		target_thread("waiting", start_waiting, (void *)i);
	while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < threads)
		target_sleep_us(1000);
	target_sleep_us(200000);
	for (uint64_t i = 0; i < threads; i++)
		runs[i] = runs_of(tids[i]);
	pthread_barrier_init(&turn, NULL, workers);
	for (uintptr_t i = 0; i < workers; i++)
		target_thread("working", worker, (void *)i);
}

int main(int argc, char **argv)
{
	uint64_t threads = arg_number(argc, argv, 2, 5000) - workers - 1;
	uint64_t disturbed = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	start(threads);
	target_ready();
	target_wait(0);
	for (uint64_t i = 0; i < threads; i++)
		disturbed += runs_of(tids[i]) != runs[i];
	truth("crowd_60", cpu[0]);
	truth("crowd_30", cpu[1]);
	truth("crowd_10", cpu[2]);
	truth("accounted", cpu[0] + cpu[1] + cpu[2]);
	truth("disturbed", disturbed);
	fflush(stdout);
	_exit(disturbed != 0);
}
