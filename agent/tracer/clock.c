/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/clock.h"
#include "base/hash.h"

uint64_t clock_random(struct clock *c, uint64_t n)
{
	/* A Weyl sequence through a mixer: splitmix64. */
	c->random += 0x9e3779b97f4a7c15ull;
	return (unsigned __int128)hash_u64(c->random) * n >> 64;
}

static void choose(struct clock *c)
{
	c->due = c->next + clock_random(c, c->period);
	c->due_slow = c->slow;
	c->next += c->period;
}

void clock_init(struct clock *c, uint32_t hz, uint64_t seed, uint64_t now)
{
	*c = (struct clock){.random = seed};
	clock_set_rate(c, hz, now);
}

void clock_set_rate(struct clock *c, uint32_t hz, uint64_t now)
{
	c->asked = SECOND / hz;
	c->next = now;
	clock_slow(c, CLOCK_ONE);
	choose(c);
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
	uint32_t more = 0, first = c->due_slow;

	if (now < c->due)
		return 0;
	if (now - c->due > c->period / 2)
		c->late++;
	c->taken++;
	for (choose(c); c->due <= now; choose(c))
		more++;
	c->missed += more;
	if (more > CLOCK_STANDS_FOR - 1)
		more = CLOCK_STANDS_FOR - 1;
	c->stands_for = first + c->slow * more;
	return 1;
}
