/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/base64.h"

#define AT_ONCE 768u /* bytes; a multiple of three */

/* n is 1 to 3. */
static void put_group(char *out, const unsigned char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = p[0] << 16 | (n > 1 ? p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

	out[0] = digits[bits >> 18];
	out[1] = digits[bits >> 12 & 63];
	out[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
	out[3] = n > 2 ? digits[bits & 63] : '=';
}

int base64_append(struct buf *out, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	char text[AT_ONCE / 3 * 4];

	for (size_t at = 0; at < n;) {
		size_t end = n - at > AT_ONCE ? at + AT_ONCE : n, used = 0;
		for (; at < end; at += 3, used += 4)
			put_group(text + used, p + at, end - at < 3 ? end - at : 3);
		int error = buf_append(out, text, used);
		if (error)
			return error;
	}
	return 0;
}
