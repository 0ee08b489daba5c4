/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <math.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"

static void put_text(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	buf_string(out, "\"");
	while (*p) {
		int n = utf8_sequence(p);
		if (!n)
			buf_string(out, "\xef\xbf\xbd");
		else if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buf_printf(out, "\\u%04x", *p);
		else
			buf_append(out, p, n);
		p += n ? n : 1;
	}
	buf_string(out, "\"");
}

static void begin(struct json *j, const char *key)
{
	if (j->has_sibling)
		buf_string(j->out, ",");
	j->has_sibling = 1;
	if (!key)
		return;
	put_text(j->out, key);
	buf_string(j->out, ":");
}

static void open_with(struct json *j, const char *key, const char *bracket)
{
	begin(j, key);
	buf_string(j->out, bracket);
	j->has_sibling = 0;
}

static void close_with(struct json *j, const char *bracket)
{
	buf_string(j->out, bracket);
	j->has_sibling = 1;
}

void json_object(struct json *j, const char *key)
{
	open_with(j, key, "{");
}

void json_array(struct json *j, const char *key)
{
	open_with(j, key, "[");
}

void json_end_object(struct json *j)
{
	close_with(j, "}");
}

void json_end_array(struct json *j)
{
	close_with(j, "]");
}

void json_string(struct json *j, const char *key, const char *text)
{
	begin(j, key);
	put_text(j->out, text);
}

void json_base64(struct json *j, const char *key, const void *bytes, size_t n)
{
	begin(j, key);
	buf_string(j->out, "\"");
	base64_append(j->out, bytes, n);
	buf_string(j->out, "\"");
}

void json_number(struct json *j, const char *key, uint64_t number)
{
	begin(j, key);
	buf_printf(j->out, "%" PRIu64, number);
}

/* There is no infinity in JSON. */
void json_real(struct json *j, const char *key, double number)
{
	begin(j, key);
	if (isfinite(number))
		buf_printf(j->out, "%.9g", number);
	else
		buf_string(j->out, "null");
}
