/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "agent/tracer/clock.h"
#include "base/hash.h"

uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t clock_random(struct clock *c, uint64_t n)
{
	/* A Weyl sequence through a mixer: splitmix64. */
	c->random += 0x9e3779b97f4a7c15ull;
	return (unsigned __int128)hash_u64(c->random) * n >> 64;
}

static uint64_t gap(struct clock *c)
{
	return c->period / 2 + clock_random(c, c->period);
}

void clock_init(struct clock *c, uint32_t hz, uint64_t seed, uint64_t now)
{
	*c = (struct clock){.asked = 1000000000ull / hz, .random = seed};
	clock_slow(c, CLOCK_ONE);
	c->due = now + clock_random(c, c->period);
}

void clock_slow(struct clock *c, uint32_t slow)
{
	c->slow = slow;
	c->period = c->asked * slow / CLOCK_ONE;
}

uint64_t clock_overdue(const struct clock *c, uint64_t now)
{
	return now < c->due ? 0 : (now - c->due) / c->period + 1;
}

int clock_tick(struct clock *c, uint64_t now)
{
	uint64_t periods = 1;

	if (now < c->due)
		return 0;
	if (now - c->due > c->period / 2)
		c->late++;
	c->taken++;
	c->due += gap(c);
	for (; c->due <= now; c->due += gap(c))
		periods++;
	c->missed += periods - 1;
	c->stands_for = c->slow * (periods < CLOCK_STANDS_FOR ? periods : CLOCK_STANDS_FOR);
	return 1;
}
