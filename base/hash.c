/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/hash.h"

uint64_t hash_bytes(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t h = 0x9e3779b97f4a7c15ull ^ n;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		h = hash_u64(h ^ word);
	}
	if (n) {
		uint64_t word = 0;
		memcpy(&word, p, n);
		h = hash_u64(h ^ word);
	}
	return h;
}
