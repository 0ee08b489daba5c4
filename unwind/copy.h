/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copied slices of stack that all unwinding reads from: of the thread's stack, and of the one
 * that it was on before. There is no way to read anything else: an address outside is
 * "unreadable", never a guess.
 */
#ifndef UNWIND_COPY_H
#define UNWIND_COPY_H

#include <stdint.h>
#include <string.h>

struct slice {
	uint64_t base, len;
	const unsigned char *bytes;
	uint64_t used_end; /* address behind the highest word read */
};

struct copy {
	struct slice stack, other; /* other.len may be 0 */
	uint64_t wanted;	   /* the last address that was not there; 0: none */
};

/* The word at an offset that is known to be in the slice. */
static inline uint64_t slice_at(const struct slice *s, uint64_t at)
{
	uint64_t word;

	memcpy(&word, s->bytes + at, sizeof(word));
	return word;
}

static inline int slice_word(struct slice *s, uint64_t address, uint64_t *out)
{
	uint64_t at = address - s->base;

	if (s->len < sizeof(*out) || at > s->len - sizeof(*out))
		return -1;
	memcpy(out, s->bytes + at, sizeof(*out));
	if (address + sizeof(*out) > s->used_end)
		s->used_end = address + sizeof(*out);
	return 0;
}

/* 0, or -1 outside the copy. */
static inline int copy_word(struct copy *c, uint64_t address, uint64_t *out)
{
	if (slice_word(&c->stack, address, out) == 0 || slice_word(&c->other, address, out) == 0)
		return 0;
	c->wanted = address;
	return -1;
}

#endif
