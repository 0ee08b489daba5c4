/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * At each SIGUSR1 it allocates in known places: one that grows, one that frees a part of what it
 * has, one that keeps nothing. Then it says of each place the objects and bytes that it has
 * allocated so far, those that are alive, and their size, and "step N".
 *
 * heap_steps turns: no steps; it has 500 objects of 500 bytes at any time, each for less than a
 * millisecond.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROWS	1500u
#define SHRINKS 2000u
#define CHURNS	3000u
#define STEPS	64u

struct place {
	const char *name;
	unsigned size;
	unsigned long allocated, alive;
};

static struct place grows = {"step_grows", 2000, 0, 0}, shrinks = {"step_shrinks", 3000, 0, 0},
		    churns = {"step_churns", 5000, 0, 0};
static void *grown[GROWS * STEPS], *shrinking[SHRINKS];

#define PLACE(name) __attribute__((noinline, noipa)) static void *name(void)

/* The call is not the last thing, and so not a jump. */
static inline void *seen(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

PLACE(step_grows)
{
	return seen(malloc(2000));
}

PLACE(step_shrinks)
{
	return seen(calloc(3, 1000));
}

PLACE(step_churns)
{
	return seen(malloc(5000));
}

/* Slower than the probe's ring is read. */
static void pace(unsigned i)
{
	if (i % 50 == 0)
		usleep(1000);
}

static void step(unsigned number)
{
	for (unsigned i = 0; i < GROWS; i++, pace(i))
		grown[grows.alive++] = step_grows();
	grows.allocated += GROWS;
	for (unsigned i = 0; i < SHRINKS && !number; i++, pace(i))
		shrinking[shrinks.alive++] = step_shrinks();
	shrinks.allocated = SHRINKS;
	for (unsigned i = 0; i < SHRINKS / 4 && number && shrinks.alive; i++)
		free(shrinking[--shrinks.alive]);
	for (unsigned i = 0; i < CHURNS; i++, pace(i))
		free(step_churns());
	churns.allocated += CHURNS;
}

static void tell(const struct place *p)
{
	printf("truth %s %lu %lu %lu %lu %u\n", p->name, p->allocated, p->allocated * p->size,
		p->alive, p->alive * p->size, p->size);
}

PLACE(step_turns)
{
	return seen(malloc(500));
}

static void turn(void)
{
	static void *alive[500];

	for (unsigned i = 0;; i = (i + 1) % 500) {
		free(alive[i]);
		alive[i] = step_turns();
		for (volatile int k = 0; k < 600; k++)
			;
	}
}

int main(int argc, char **argv)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "turns"))
		turn();
	for (unsigned i = 0; i < STEPS && !sigwait(&set, &number); i++) {
		step(i);
		tell(&grows);
		tell(&shrinks);
		tell(&churns);
		printf("step %u\n", i + 1);
		fflush(stdout);
	}
	for (;;)
		pause();
}
