/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grows GROWN SHRUNK [PCT]: to compare two runs of it. At SIGUSR1 it allocates, in places of their
 * own, so many MiB each, some of which it frees; then it says "truth done" and computes until
 * SIGTERM, PCT % of it in one function (50) and the rest in another. At each further SIGUSR1 it
 * allocates one MiB more, in the place that grew, and says so.
 */
#include "target.h"

#define SIZE 1000u

#define PLACE(name)                                                                                \
	static FRAME void *name(void)                                                              \
	{                                                                                          \
		void *p = malloc(SIZE);                                                            \
		__asm__ volatile("" : "+r"(p) : : "memory");                                       \
		return p;                                                                          \
	}

PLACE(steady)
PLACE(grown)
PLACE(shrunk)
PLACE(freed)

WORK(cpu_grown)
WORK(cpu_other)

static volatile sig_atomic_t begun;

static void on_go(int sig)
{
	(void)sig;
	begun++;
}

static FRAME uint64_t fill(void *(*place)(void), uint64_t mib, int keep)
{
	uint64_t bytes = 0;

	for (unsigned i = 1; bytes < mib << 20; bytes += SIZE, i++) {
		void *p = place();
		if (!keep)
			free(p);
		if (i % 64 == 0)
			target_sleep_us(500); /* no more than the profiler can take in */
	}
	return bytes;
}

int main(int argc, char **argv)
{
	uint64_t percent = arg_number(argc, argv, 3, 50);
	uint32_t seed = 1;

	signal(SIGUSR1, on_go);
	target_init(0);
	target_ready();
	while (!begun && target_running())
		target_sleep_us(1000);
	truth("steady", fill(steady, 8, 1));
	truth("grown", fill(grown, arg_number(argc, argv, 1, 2), 1));
	truth("shrunk", fill(shrunk, arg_number(argc, argv, 2, 6), 1));
	fill(freed, 8, 0);
	truth("done", 1);
	fflush(stdout);
	while (target_running()) {
		if (begun > 1) {
			truth("leaked", fill(grown, 1, 1));
			fflush(stdout);
			begun = 1;
		}
		seed = seed * 1103515245 + 12345;
		if ((seed >> 8) % 100 < percent)
			cpu_grown(100);
		else
			cpu_other(100);
	}
	return 0;
}
