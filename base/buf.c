/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

void buf_init(struct buf *b, size_t ceiling)
{
	memset(b, 0, sizeof(*b));
	b->ceiling = ceiling;
}

void buf_fini(struct buf *b)
{
	free(b->data);
	buf_init(b, b->ceiling);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = 0;
}

static int buf_fail(struct buf *b, int error)
{
	if (!b->failed)
		b->failed = error;
	return error;
}

/* Room for n more bytes. */
static int buf_reserve(struct buf *b, size_t n)
{
	if (n > b->ceiling || b->len > b->ceiling - n)
		return buf_fail(b, -E2BIG);
	if (b->len + n <= b->room)
		return 0;

	size_t room = b->room ? b->room * 2 : 256;
	if (room < b->len + n)
		room = b->len + n;
	char *data = realloc(b->data, room);
	if (!data)
		return buf_fail(b, -ENOMEM);
	b->data = data;
	b->room = room;
	return 0;
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
	int error = buf_reserve(b, n);
	if (error || !n)
		return error;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
	return 0;
}

int buf_string(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		return buf_fail(b, -ENOMEM);
	int error = buf_append(b, text, n);
	free(text);
	return error;
}

const char *buf_text(struct buf *b)
{
	/* The terminator is no content: it may pass the ceiling by its one byte. */
	if (b->len == b->room) {
		char *data = realloc(b->data, b->room + 1);
		if (!data)
			return NULL;
		b->data = data;
		b->room++;
	}
	b->data[b->len] = '\0';
	return b->data;
}

int buf_read_fd(struct buf *b, int fd)
{
	for (;;) {
		int error = buf_reserve(b, b->len + 4096 <= b->ceiling ? 4096 : 1);
		if (error)
			return error;
		ssize_t n = read(fd, b->data + b->len, b->room - b->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? buf_fail(b, -errno) : 0;
		b->len += n;
	}
}
