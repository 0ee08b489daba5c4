/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stopped [SECONDS]: says that it is ready and stops itself (SIGSTOP), deep in a call chain, with
 * a second thread in stop_other. A profiler must leave it stopped; continued, it works on.
 */
#include "target.h"

static FRAME void stop_other(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void *other(void *arg)
{
	while (!target_stopping)
		stop_other();
	return arg;
}

static FRAME void stop_inner(void)
{
	kill(getpid(), SIGSTOP);
	KEEP_FRAME();
}

static FRAME void stop_outer(void)
{
	stop_inner();
	KEEP_FRAME();
}

static FRAME void stopped_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;

	target_init(arg_number(argc, argv, 1, 0));
	target_thread("other", other, NULL);
	target_ready();
	stop_outer();
	puts("continued");
	while (target_running()) {
		stopped_work();
		rounds++;
	}
	truth("rounds_after", rounds);
	return 0;
}
