/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/probe/probe_parts.h"

void island_jump(uint8_t *out, uint64_t to)
{
	static const uint8_t through[6] = {0xff, 0x25}; /* jmp *0(%rip) */

	memcpy(out, through, sizeof(through));
	memcpy(out + sizeof(through), &to, sizeof(to));
}

uint64_t island_next(struct island *i)
{
	return i->n < ISLAND_ROOM ? i->base + ISLAND_HEAD + i->n++ * ISLAND_ENTRY : 0;
}

static int is_near(const struct island *i, uint64_t low, uint64_t high)
{
	uint64_t least = i->base < low ? i->base : low;
	uint64_t most = i->base + PROBE_ISLAND > high ? i->base + PROBE_ISLAND : high;

	return most - least <= PLACE_REACH;
}

struct island *island_for(struct probe *p, uint64_t low, uint64_t high)
{
	const uint64_t magic = PROBE_ISLAND_MAGIC;

	for (uint32_t k = 0; k < p->n_islands; k++)
		if (p->islands[k].n < ISLAND_ROOM && is_near(&p->islands[k], low, high))
			return &p->islands[k];
	if (p->n_islands == PROBE_ISLANDS)
		return NULL;
	struct island *i = &p->islands[p->n_islands];
	memset(i, 0, sizeof(*i));
	i->base = space_room(&p->space, low, high, PROBE_ISLAND);
	if (!i->base || space_take(&p->space, i->base, PROBE_ISLAND) < 0)
		return NULL;
	memcpy(i->bytes, &magic, sizeof(magic));
	p->n_islands++;
	return i;
}

int island_map(struct probe *p)
{
	struct probe_shared *shared = (void *)p->records.shared;
	uint32_t wanted = p->n_islands;
	int error = 0;

	for (p->n_islands = 0; p->n_islands < wanted && !error;) {
		shared->islands[p->n_islands] = p->islands[p->n_islands].base;
		const struct island *i = &p->islands[p->n_islands];
		error = probe_map_code(p, i->base, i->bytes, sizeof(i->bytes));
		p->n_islands += !error;
	}
	if (error)
		island_unmap(p);
	return error;
}

int island_unmap(struct probe *p)
{
	int error = 0;

	while (p->n_islands && !error) {
		error = probe_call(
			p, SYS_munmap, p->islands[p->n_islands - 1].base, PROBE_ISLAND, 0, 0, 0);
		p->n_islands -= !error;
	}
	return error;
}

int island_holds(const struct probe *p, uint64_t address)
{
	for (uint32_t k = 0; k < p->n_islands; k++)
		if (address - p->islands[k].base < PROBE_ISLAND)
			return 1;
	return 0;
}

static int is_known(const struct probe *p, uint64_t base)
{
	for (uint32_t k = 0; k < p->n_islands; k++)
		if (p->islands[k].base == base)
			return 1;
	return 0;
}

/* Its first entry leads into that probe. */
static int is_of(const struct probe *p, uint64_t base)
{
	struct {
		uint64_t magic;
		uint8_t unused[ISLAND_HEAD - sizeof(uint64_t) + ISLAND_JUMP - sizeof(uint64_t)];
		uint64_t to;
	} __attribute__((packed)) head;

	return probe_read(p, base, &head, sizeof(head)) == 0 && head.magic == PROBE_ISLAND_MAGIC &&
	       head.to - p->base < PROBE_STATE;
}

/* What was written down may have been written over. */
static void find_others(struct probe *p)
{
	for (uint32_t i = 0; i < p->space.n && p->n_islands < PROBE_ISLANDS; i++) {
		const struct place *at = &p->space.v[i];
		if (at->is_anonymous && at->is_code && at->end - at->start == PROBE_ISLAND &&
			!is_known(p, at->start) && is_of(p, at->start))
			p->islands[p->n_islands++].base = at->start;
	}
}

void island_learn(struct probe *p, const struct probe_shared *shared)
{
	p->n_islands = 0;
	for (uint32_t k = 0; k < PROBE_ISLANDS; k++) {
		uint64_t base = shared->islands[k], magic = 0;
		const struct place *at = base ? space_find(&p->space, base) : NULL;
		if (!at || at->start != base || at->end - base != PROBE_ISLAND ||
			!at->is_anonymous || is_known(p, base) ||
			probe_read(p, base, &magic, sizeof(magic)))
			continue;
		/* Or it was killed before it wrote that. */
		if (magic == PROBE_ISLAND_MAGIC || (!magic && !at->is_code))
			p->islands[p->n_islands++].base = base;
	}
	find_others(p);
}
