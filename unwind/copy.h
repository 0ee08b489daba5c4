/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copied slice of stack that all unwinding reads from. There is no way to read anything else:
 * an address outside is "unreadable", never a guess.
 */
#ifndef UNWIND_COPY_H
#define UNWIND_COPY_H

#include <stdint.h>
#include <string.h>

struct copy {
	uint64_t base, len;
	const unsigned char *bytes;
	uint64_t used_end; /* address behind the highest word read */
	uint64_t wanted;   /* the last address that was not there; 0: none */
};

/* 0, or -1 outside the copy. */
static inline int copy_word(struct copy *c, uint64_t address, uint64_t *out)
{
	uint64_t at = address - c->base;

	if (c->len < sizeof(*out) || at > c->len - sizeof(*out)) {
		c->wanted = address;
		return -1;
	}
	memcpy(out, c->bytes + at, sizeof(*out));
	if (address + sizeof(*out) > c->used_end)
		c->used_end = address + sizeof(*out);
	return 0;
}

#endif
