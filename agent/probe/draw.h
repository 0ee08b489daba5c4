/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes until the next sample: exponentially distributed, without floating point.
 */
#ifndef PROBE_DRAW_H
#define PROBE_DRAW_H

#include <stdint.h>

/* xorshift64* (Vigna, 2014); never 0 for a state that is not. */
static inline uint64_t draw_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* -log2(x / 2^64) in 1/2^32, of an x that is not 0; by squaring, one bit at a time. */
static inline uint64_t draw_minus_log2(uint64_t x)
{
	uint32_t zeros = __builtin_clzll(x);
	uint64_t m = x << zeros, fraction = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint64_t square = (unsigned __int128)m * m >> 64;
		int is_set = square >> 63;
		fraction |= (uint64_t)is_set << bit;
		m = is_set ? square : square << 1;
	}
	return ((uint64_t)(zeros + 1) << 32) - fraction;
}

static inline uint64_t draw_gap(uint64_t *state, uint64_t mean)
{
	const uint64_t ln2 = 2977044472; /* in 1/2^32 */
	uint64_t x = draw_random(state);
	uint64_t log = (unsigned __int128)draw_minus_log2(x ? x : 1) * ln2 >> 32;

	return (unsigned __int128)log * mean >> 32;
}

#endif
