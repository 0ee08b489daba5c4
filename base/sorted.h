/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorted arrays of numbers, and of elements that begin with the number they are sorted by.
 */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stddef.h>
#include <stdint.h>

/* For qsort: below, at or above 0. */
static inline int sorted_order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

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

/* How many of n elements of that size begin at value or below: the last of them is the one before.
 */
static inline uint32_t sorted_until(const void *v, uint32_t n, size_t size, uint64_t value)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (*(const uint64_t *)((const char *)v + middle * size) <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
