/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorted arrays of numbers.
 */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stdint.h>

/* The position of the first of n that is not below value; n if all are. */
static inline uint32_t sorted_find(const uint64_t *v, uint32_t n, uint64_t value)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (v[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
