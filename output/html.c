/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "output/html.h"
#include "output/html_page.h"
#include "output/view_json.h"

#define PLACE "<script type=\"application/json\" id=\"data\">" /* the data goes behind it */

const char *html_page(size_t *size)
{
	*size = html_page_size;
	return html_page_text;
}

/* How the bytes at p are written in a script element; NULL: as they are. */
static const char *escape_of(const char *p, size_t left, size_t *length)
{
	*length = 1;
	if (*p == '<')
		return "\\u003c";
	if (*p == '>')
		return "\\u003e";
	if (*p == '&')
		return "\\u0026";
	*length = 3;
	if (left >= 3 && !memcmp(p, "\xe2\x80\xa8", 3))
		return "\\u2028";
	if (left >= 3 && !memcmp(p, "\xe2\x80\xa9", 3))
		return "\\u2029";
	return NULL;
}

/* In JSON all of these are within strings. */
static int escape(const struct buf *json, struct buf *out)
{
	size_t begin = 0, length;

	for (size_t i = 0; i < json->len;) {
		const char *escaped = escape_of(json->data + i, json->len - i, &length);
		if (!escaped) {
			i++;
			continue;
		}
		buf_append(out, json->data + begin, i - begin);
		buf_string(out, escaped);
		begin = i += length;
	}
	return buf_append(out, json->data + begin, json->len - begin);
}

static int put_page(const struct buf *json, struct buf *out)
{
	size_t size;
	const char *page = html_page(&size);
	const char *place = memmem(page, size, PLACE, strlen(PLACE));

	if (!place)
		return -EINVAL;
	size_t head = place + strlen(PLACE) - page;
	buf_append(out, page, head);
	escape(json, out);
	buf_append(out, page + head, size - head);
	return out->failed;
}

int html_write(const struct profile *p, struct sink *sink)
{
	struct buf json, page;

	buf_init(&json, LIMIT_VIEW);
	buf_init(&page, LIMIT_VIEW);
	int error = view_json(p, &json);
	if (!error)
		error = put_page(&json, &page);
	if (!error)
		error = sink_write(sink, page.data, page.len);
	buf_fini(&json);
	buf_fini(&page);
	return error;
}
