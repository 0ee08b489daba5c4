/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/serve/markup.h"

static const char *entity_of(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&#34;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c >= 0x80 || (unsigned char)c < ' ' || c == 0x7f ? "?" : NULL;
	}
}

void markup_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		const char *entity = entity_of(*text);
		if (entity)
			buf_string(out, entity);
		else
			buf_append(out, text, 1);
	}
}
