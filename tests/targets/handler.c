/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handler [SECONDS]: computes nine tenths of its time in a signal's handler, that of a signal which
 * came while the other handler ran, and those came while a library sorted.
 */
#include "target.h"

WORK(handler_work)

static FRAME void on_inner(int number)
{
	handler_work(4000);
	KEEP_FRAME();
	(void)number;
}

static FRAME void on_outer(int number)
{
	handler_work(1000);
	raise(SIGUSR2);
	(void)number;
}

static int compare(const void *a, const void *b)
{
	static int n;

	if (n++ % 64 == 0)
		raise(SIGUSR1);
	handler_work(10);
	return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
	int v[200];

	target_init(arg_number(argc, argv, 1, 0));
	signal(SIGUSR1, on_outer);
	signal(SIGUSR2, on_inner);
	target_ready();
	while (target_running()) {
		for (int i = 0; i < 200; i++)
			v[i] = i * 7919 % 211;
		qsort(v, 200, sizeof(v[0]), compare);
	}
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
