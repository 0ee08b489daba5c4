/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash index over an array that its owner keeps: hash -> position in the array.
 *
 * The owner computes the hash and says whether an element is the one that is looked for; nothing is
 * ever removed. Zero-initialized is empty.
 */
#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include <stdint.h>

struct index_slot {
	uint64_t hash;
	uint32_t number; /* position + 1; 0: empty */
};

struct index {
	struct index_slot *v; /* open addressing, a power of two, at most half full */
	uint32_t n, room;
};

/* Whether the element at that position is meant. */
typedef int index_same(const void *arg, uint32_t position);

void index_fini(struct index *x);

/* The position, or -1. */
long index_find(const struct index *x, uint64_t hash, index_same *same, const void *arg);

/* For what index_find did not find. 0 or -ENOMEM. */
int index_add(struct index *x, uint64_t hash, uint32_t position);

#endif
