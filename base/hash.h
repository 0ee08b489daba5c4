/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash functions for tables in memory. Not for anything an attacker must not predict across runs:
 * tables are bounded by their own ceilings.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Mixes 64 bits so that every input bit reaches every output bit (finalizer of MurmurHash3). */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	x ^= x >> 33;
	return x;
}

static inline uint64_t hash_pair(uint64_t a, uint64_t b)
{
	return hash_u64(a + 0x9e3779b97f4a7c15ull * (b + 1));
}

uint64_t hash_bytes(const void *bytes, size_t n);

#endif
