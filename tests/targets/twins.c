/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * twins: computes until SIGTERM in a function whose name only this build has: NAME (-DNAME=...),
 * with another one inlined into it, of which only debug information knows. NO_MAIN: a library with
 * that function; FROM_LIBRARY=NAME: a program that calls it; MAIN_ENDS: the main thread ends.
 */
#include <pthread.h>
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

#ifdef FROM_LIBRARY
void NAMED(work_, FROM_LIBRARY)(void);
#undef NAME
#define NAME FROM_LIBRARY
#endif

#ifndef NO_MAIN
static void end(int signal)
{
	(void)signal;
	over = 1;
}

static void *compute(void *arg)
{
	while (!over)
		NAMED(work_, NAME)();
	return arg;
}

int main(void)
{
	signal(SIGTERM, end);
#ifdef MAIN_ENDS
	pthread_t thread;

	pthread_create(&thread, NULL, compute, NULL);
#endif
	printf("ready %d\n", getpid());
	fflush(stdout);
#ifdef MAIN_ENDS
	pthread_exit(NULL);
#endif
	compute(NULL);
	return 0;
}
#endif
