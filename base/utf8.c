/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/utf8.h"

int utf8_sequence(const unsigned char *p)
{
	static const struct {
		unsigned char from, to, second_from, second_to, length;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (p[0] < forms[i].from || p[0] > forms[i].to)
			continue;
		if (forms[i].length > 1 &&
			(p[1] < forms[i].second_from || p[1] > forms[i].second_to))
			return 0;
		for (int k = 2; k < forms[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

int utf8_is_valid(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int n = 1;

	while (*p && (n = utf8_sequence(p)))
		p += n;
	return n != 0;
}

int utf8_repair(const char *text, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		int n = utf8_sequence(p);
		if (n)
			buf_append(out, p, n);
		else
			buf_string(out, "\xef\xbf\xbd");
		p += n ? n : 1;
	}
	return out->failed;
}
