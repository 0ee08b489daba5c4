/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading little-endian bytes from memory that may say anything. What is not there reads as 0, and
 * from then on the cursor is bad and at its end: a loop over it ends, and is asked once how.
 */
#ifndef SYMBOLIZE_DWARF_CURSOR_H
#define SYMBOLIZE_DWARF_CURSOR_H

#include <stdint.h>
#include <string.h>

struct cursor {
	const unsigned char *at, *end;
	int is_bad;
};

static inline uint64_t cursor_fail(struct cursor *c)
{
	c->at = c->end;
	c->is_bad = 1;
	return 0;
}

static inline uint64_t cursor_left(const struct cursor *c)
{
	return c->end - c->at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return c->at < c->end ? *c->at++ : cursor_fail(c);
}

static inline void cursor_skip(struct cursor *c, uint64_t n)
{
	if (cursor_left(c) < n)
		cursor_fail(c);
	else
		c->at += n;
}

/* So many items of a table. More than there can be must not wrap around to something that there is.
 */
static inline void cursor_skip_items(struct cursor *c, uint64_t number, unsigned size)
{
	cursor_skip(c, number > UINT32_MAX ? UINT64_MAX : number * size);
}

/* n bytes, at most 8; quick where n is a constant. */
static inline uint64_t cursor_fixed(struct cursor *c, unsigned n)
{
	uint64_t value = 0;

	if (cursor_left(c) < n)
		return cursor_fail(c);
	memcpy(&value, c->at, n);
	c->at += n;
	return value;
}

/* An offset into a section, of 4 or 8 bytes. */
static inline uint64_t cursor_offset(struct cursor *c, unsigned size)
{
	return size == 4 ? cursor_fixed(c, 4) : cursor_fixed(c, 8);
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; c->at < c->end; shift += 7) {
		unsigned char byte = *c->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	return cursor_fail(c);
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; c->at < c->end;) {
		unsigned char byte = *c->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		if (shift < 64 && (byte & 0x40))
			value |= UINT64_MAX << shift;
		return value;
	}
	return cursor_fail(c);
}

/* Up to its NUL, which is skipped; NULL if there is none. */
static inline const char *cursor_string(struct cursor *c)
{
	const char *start = (const char *)c->at;
	const unsigned char *nul = cursor_left(c) ? memchr(c->at, 0, cursor_left(c)) : NULL;

	if (!nul) {
		cursor_fail(c);
		return NULL;
	}
	c->at = nul + 1;
	return start;
}

/* A unit's length in front of it; *offset_size is 8 where it says so, else 4. Bad if there are not
 * so many bytes. */
static inline uint64_t cursor_unit_length(struct cursor *c, uint8_t *offset_size)
{
	uint64_t length = cursor_fixed(c, 4);

	*offset_size = 4;
	if (length == 0xffffffff) {
		*offset_size = 8;
		length = cursor_fixed(c, 8);
	} else if (length >= 0xfffffff0) {
		return cursor_fail(c);
	}
	return length <= cursor_left(c) ? length : cursor_fail(c);
}

#endif
