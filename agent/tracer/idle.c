/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sched.h>

#include "agent/tracer/idle.h"
#include "base/now.h"

_Static_assert(IDLE_CPUS % (8 * sizeof(long)) == 0, "a set of CPUs is whole words");

/* Ours is as of our last switch or tick; a yield makes it anew. */
static int read_here(struct idle *i, int cpu)
{
	sched_yield();
	uint64_t now = clock_now(), there = threads_own_switch();

	i->ahead[cpu] = (int64_t)(there - now);
	return there ? 1 : 2;
}

static void go_and_read(struct idle *i, int cpu)
{
	unsigned long ours[IDLE_CPUS / 8 / sizeof(long)] = {0}, there[sizeof(ours) / sizeof(*ours)];
	const unsigned bits = 8 * sizeof(long);

	i->state[cpu] = 2;
	for (unsigned w = 0; w < sizeof(there) / sizeof(*there); w++)
		there[w] = w == cpu / bits ? 1ul << cpu % bits : 0;
	if (sched_getaffinity(0, sizeof(ours), (cpu_set_t *)ours) < 0 ||
		sched_setaffinity(0, sizeof(there), (const cpu_set_t *)there) < 0)
		return;
	i->state[cpu] = read_here(i, cpu);
	sched_setaffinity(0, sizeof(ours), (const cpu_set_t *)ours);
}

int64_t idle_time(struct idle *i, const struct target *target, struct thread *th)
{
	int cpu = th->processor;
	uint64_t left = thread_switched_at(target, th);

	if (!left || cpu < 0 || cpu >= (int)IDLE_CPUS)
		return -1;
	if (!i->state[cpu])
		go_and_read(i, cpu);
	if (i->state[cpu] != 1)
		return -1;
	int64_t now = (int64_t)clock_now() + i->ahead[cpu];
	return now > (int64_t)left ? now - (int64_t)left : 0;
}
