/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes as people write build ids: two lower-case hexadecimal digits each.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>

/* out has room for 2 * n + 1. Returns it. */
char *hex_text(char *out, const unsigned char *bytes, size_t n);

#endif
