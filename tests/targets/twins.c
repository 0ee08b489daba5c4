/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * twins: computes until SIGTERM in a function whose name only this build has: NAME (-DNAME=...),
 * with another one inlined into it, of which only debug information knows. Needs no folder and no
 * other file; the library is one of them too.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define JOIN(a, b)  a##b
#define NAMED(a, b) JOIN(a, b)

static volatile sig_atomic_t over;
volatile unsigned twins_sum;

static inline __attribute__((always_inline)) unsigned NAMED(inlined_, NAME)(unsigned x)
{
	for (int i = 0; i < 100000; i++)
		x = x * 1664525 + 1013904223;
	return x;
}

__attribute__((noinline)) void NAMED(work_, NAME)(void)
{
	twins_sum += NAMED(inlined_, NAME)(twins_sum);
}

#ifndef NO_MAIN
static void end(int signal)
{
	(void)signal;
	over = 1;
}

int main(void)
{
	signal(SIGTERM, end);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (!over)
		NAMED(work_, NAME)();
	return 0;
}
#endif
