/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads_churn [SECONDS [LIVE [WORK_US [PAUSE_US]]]]: LIVE (4) threads at a time, each working
 * WORK_US (2000) and then replaced by a new one, PAUSE_US (1) later. Their CPU time is counted by
 * themselves.
 */
#include "target.h"

static uint64_t work_us, thread_ns;

static FRAME void churn_work(void)
{
	SPIN(target.per_us * work_us);
	KEEP_FRAME();
}

static void *run(void *arg)
{
	churn_work();
	__atomic_fetch_add(&thread_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID), __ATOMIC_RELAXED);
	return arg;
}

int main(int argc, char **argv)
{
	enum { most = 64 };
	uint64_t live = arg_number(argc, argv, 2, 4);
	uint64_t created = 0, pause_us;
	pthread_t threads[most];

	work_us = arg_number(argc, argv, 3, 2000);
	pause_us = arg_number(argc, argv, 4, 1);
	live = live < most ? live : most;
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_wait(pause_us)) {
		for (uint64_t i = 0; i < live; i++)
			threads[i] = target_thread("churn", run, NULL);
		for (uint64_t i = 0; i < live; i++)
			pthread_join(threads[i], NULL);
		created += live;
	}
	truth("created", created);
	truth("churn_work", thread_ns);
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return thread_ns > clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
