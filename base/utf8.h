/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

/* Bytes of the valid sequence at p, or 0. The text ends with a NUL, which continues no sequence. */
int utf8_sequence(const unsigned char *p);

int utf8_is_valid(const char *text);

/* text with U+FFFD in the place of each byte that is not valid. 0 or -errno of the buffer. */
int utf8_repair(const char *text, struct buf *out);

#endif
