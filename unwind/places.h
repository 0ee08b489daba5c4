/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of addresses, by module, file offset and whether a call returns there: a hash table
 * of 16 bytes for each, asked at every frame.
 */
#ifndef UNWIND_PLACES_H
#define UNWIND_PLACES_H

#include <stdint.h>

struct place {
	uint64_t key; /* see places_key; 0: empty */
	uint32_t number;
	uint32_t brief; /* see rule_brief */
};

struct places {
	struct place *v; /* open addressing, a power of two, at most half full */
	uint32_t n, room;
};

int places_init(struct places *p); /* 0 or -ENOMEM */
void places_fini(struct places *p);

/* Module ids fit 14 bits, file offsets 33, addresses 47: never 0 because a module's id is not. */
#define PLACES_RETURN (1ull << 48)

static inline uint64_t places_key(uint32_t module, uint64_t offset, int is_return)
{
	return (uint64_t)module << 49 | (is_return ? PLACES_RETURN : 0) |
	       (offset & (PLACES_RETURN - 1));
}

/* The key's place, or the empty one where it would be. The upper bits of a product depend on all of
 * the key (Knuth's multiplicative hashing): enough for addresses. */
static inline struct place *places_at(const struct places *p, uint64_t key)
{
	uint32_t at = (uint64_t)(key * 0x9e3779b97f4a7c15ull) >> 32 & (p->room - 1);

	while (p->v[at].key != key && p->v[at].key)
		at = (at + 1) & (p->room - 1);
	return &p->v[at];
}

/* For a key that is not there. NULL: no memory. Others move. */
struct place *places_add(struct places *p, uint64_t key);

#endif
