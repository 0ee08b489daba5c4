/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where functions are too far from the region for a jump of five bytes (a program's own allocator
 * beside the C library's), there is some memory near them: for each a jump to its hook, and its
 * thunk. The region's thunk of that hook leads to the one here.
 */
#ifndef PROBE_ISLAND_H
#define PROBE_ISLAND_H

#include <stdint.h>

#include "agent/probe/layout.h"

#define ISLAND_HEAD  64u  /* bytes, which begin with the magic */
#define ISLAND_ENTRY 128u /* the jump, and behind it the thunk */
#define ISLAND_ROOM  ((PROBE_ISLAND - ISLAND_HEAD) / ISLAND_ENTRY)
#define ISLAND_JUMP  14u /* bytes of a jump to anywhere */

struct island {
	uint64_t base; /* where it is to lie */
	uint32_t n;    /* functions */
	uint8_t bytes[PROBE_ISLAND];
};

struct probe;
struct probe_refused;

/* jmp to any address: ISLAND_JUMP bytes. */
void island_jump(uint8_t *out, uint64_t to);

/* The next free entry: where the jump to its hook lies; its thunk is 64 bytes behind. 0: full. */
uint64_t island_next(struct island *i);

/* Of the probe's islands one that has room and that this code reaches, a new one if need be; NULL:
 * there is no room. */
struct island *island_for(struct probe *p, uint64_t low, uint64_t high);

/* While some thread is stopped. All there: 0; or none of them: -errno. And gone again: 0 or
 * -errno, some may be left. */
int island_map(struct probe *p);
int island_unmap(struct probe *p);

int island_holds(const struct probe *p, uint64_t address);

/* Those of a run that was killed, by what it wrote down: of them what is still there. */
void island_learn(struct probe *p, const struct probe_shared *shared);

#endif
