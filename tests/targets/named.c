/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * named [SECONDS]: threads with names that work now and then: "worker-0" and "worker-1" with 3 to 2
 * parts of their CPU time, "io-0" as much as both, and "late", which is called "worker-late" from
 * its SIGUSR1 on; short-lived "brief" ones come and go. Each says what it used.
 */
#include "target.h"

static uint64_t used[4]; /* worker-0, worker-1, io-0, late since it has its name */
static volatile sig_atomic_t renamed;

WORK(worker_work)
WORK(other_worker_work)
WORK(io_work)
WORK(late_work)
WORK(brief_work)

static void *worker(void *arg)
{
	for (; !target_stopping; target_sleep_us(2000))
		worker_work(600);
	used[0] = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

static void *other_worker(void *arg)
{
	for (; !target_stopping; target_sleep_us(2000))
		other_worker_work(400);
	used[1] = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

static void *io(void *arg)
{
	for (; !target_stopping; target_sleep_us(2000))
		io_work(1000);
	used[2] = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

static void *late(void *arg)
{
	uint64_t before = 0;

	for (; !target_stopping; target_sleep_us(2000)) {
		if (renamed && !before) {
			prctl(PR_SET_NAME, "worker-late");
			before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		}
		late_work(500);
	}
	used[3] = before ? clock_ns(CLOCK_THREAD_CPUTIME_ID) - before : 0;
	return arg;
}

static void *brief(void *arg)
{
	brief_work(2000);
	return arg;
}

static void on_usr1(int sig)
{
	(void)sig;
	renamed = 1;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	signal(SIGUSR1, on_usr1);
	threads[0] = target_thread("worker-0", worker, NULL);
	threads[1] = target_thread("worker-1", other_worker, NULL);
	threads[2] = target_thread("io-0", io, NULL);
	threads[3] = target_thread("late", late, NULL);
	target_ready();
	while (target_wait(5000))
		pthread_join(target_thread("brief", brief, NULL), NULL);
	target_stopping = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	truth("worker_work", used[0]);
	truth("other_worker_work", used[1]);
	truth("io_work", used[2]);
	truth("late_work", used[3]);
	truth("workers", used[0] + used[1]);
	return 0;
}
