/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned strings with dense ids; id 0 is "". What goes in is made valid UTF-8 (each bad byte
 * becomes U+FFFD), so that every consumer of a profile accepts it. Bounded by LIMIT_STRINGS.
 */
#ifndef OUTPUT_STRINGS_H
#define OUTPUT_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct strings;

struct strings *strings_new(void); /* NULL: no memory */
void strings_free(struct strings *s);

/* The id, or -ENOMEM or -E2BIG. */
long strings_id(struct strings *s, const char *text);

const char *strings_text(const struct strings *s, uint32_t id); /* "" for an id never given */
uint32_t strings_count(const struct strings *s);

#endif
