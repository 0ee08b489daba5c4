/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "output/go_quote.h"

/* Unicode's categories Cc, Cf, Co, Zl, Zp, Zs and noncharacters, as far as they lie together. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0x80, 0xa0},
	{0xad, 0xad},
	{0x600, 0x605},
	{0x61c, 0x61c},
	{0x6dd, 0x6dd},
	{0x70f, 0x70f},
	{0x1680, 0x1680},
	{0x180e, 0x180e},
	{0x2000, 0x200f},
	{0x2028, 0x202f},
	{0x205f, 0x206f},
	{0x3000, 0x3000},
	{0xe000, 0xf8ff},
	{0xfeff, 0xfeff},
	{0xfff0, 0xfffb},
	{0xfffe, 0xffff},
	{0xe0000, 0xe00ff},
	{0xf0000, 0x10ffff},
};

static int is_hidden(uint32_t c)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return 1;
	return 0;
}

/* The character of a valid sequence of n bytes. */
static uint32_t character(const unsigned char *p, int n)
{
	uint32_t c = n == 1 ? *p : *p & (0x7f >> n);

	for (int i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static void put_ascii(struct buf *out, unsigned char c)
{
	static const char from[] = "\a\b\f\n\r\t\v\"\\", to[] = "abfnrtv\"\\";
	const char *found = strchr(from, c);

	if (found)
		buf_printf(out, "\\%c", to[found - from]);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(out, "\\x%02x", c);
	else
		buf_append(out, &c, 1);
}

int go_quote(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int n;

	buf_string(out, "\"");
	for (; *p; p += n ? n : 1) {
		n = utf8_sequence(p);
		uint32_t c = n ? character(p, n) : 0;
		if (!n)
			buf_printf(out, "\\x%02x", *p);
		else if (n == 1)
			put_ascii(out, *p);
		else if (is_hidden(c))
			buf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
		else
			buf_append(out, p, n);
	}
	return buf_string(out, "\"");
}
