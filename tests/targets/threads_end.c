/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads_end [MS]: the main thread ends first, then four threads one after the other, each a
 * quarter of MS (4000) later; the last one's end is the end of the process.
 */
#include "target.h"

enum { threads = 4 };

static uint64_t quarter_ns, began;

static FRAME void ending_work(void)
{
	SPIN(target.per_us * 200);
	KEEP_FRAME();
}

static void *run(void *arg)
{
	uint64_t i = (uint64_t)(uintptr_t)arg;

	while (clock_ns(CLOCK_MONOTONIC) < began + (i + 1) * quarter_ns)
		ending_work();
	if (i == threads - 1)
		truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	quarter_ns = arg_number(argc, argv, 1, 4000) * 1000000 / threads;
	target_init(0);
	began = clock_ns(CLOCK_MONOTONIC);
	for (uintptr_t i = 0; i < threads; i++)
		target_thread("ending", run, (void *)i);
	truth("cpu_before", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	target_ready();
	pthread_exit(NULL);
}
