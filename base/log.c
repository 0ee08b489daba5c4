/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static enum log_level level = LOG_NORMAL;
static int failure;

void log_set_level(enum log_level wanted)
{
	level = wanted;
}

enum log_level log_get_level(void)
{
	return level;
}

/* Bytes of the valid UTF-8 sequence at s, or 0. Overlong forms, surrogates and C1 count as invalid.
 */
static size_t utf8_length(const unsigned char *s)
{
	static const unsigned low[] = {0, 0, 0xa0, 0x800, 0x10000};
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
	if (s[0] > 0xf4 || !n)
		return 0;
	unsigned c = s[0] & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < low[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

/* The message's own newlines stay when keep_newline is set. */
static void escape(char *out, size_t room, const char *s, int keep_newline)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t used = 0;

	while (*p && used + 5 <= room) {
		size_t n = *p >= 0x80 ? utf8_length(p) : 1;
		if (*p < 0x20 || *p == 0x7f)
			n = keep_newline && *p == '\n' ? 1 : 0;
		if (n) {
			memcpy(out + used, p, n);
			used += n;
			p += n;
		} else {
			used += snprintf(out + used, room - used, "\\x%02x", *p++);
		}
	}
	if (room)
		out[used] = '\0';
}

char *log_escape(char *out, size_t room, const char *s)
{
	escape(out, room, s, 0);
	return out;
}

/* A terminal that others use may have been made non-blocking. */
static int waits(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return errno == EINTR || (errno == EAGAIN && poll(&p, 1, 1000) > 0);
}

void log_text(const void *text, size_t n)
{
	const char *p = text;

	while (n) {
		ssize_t done = write(STDERR_FILENO, p, n);
		if (done < 0 && !waits()) {
			if (!failure && errno != EPIPE && errno != EBADF)
				failure = errno;
			return; /* nowhere left to say so */
		}
		p += done > 0 ? done : 0;
		n -= done > 0 ? done : 0;
	}
}

int log_failure(void)
{
	return failure;
}

/* One write for the whole line, so that lines of several processes do not mix. */
static void emit(const char *format, va_list ap)
{
	char raw[4096], safe[8192];
	static const char name[] = "cpprof-attach: ";

	vsnprintf(raw, sizeof(raw), format, ap);
	memcpy(safe, name, sizeof(name) - 1);
	escape(safe + sizeof(name) - 1, sizeof(safe) - sizeof(name) - 1, raw, 1);
	size_t n = strlen(safe);
	safe[n++] = '\n';
	log_text(safe, n);
}

void log_error(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	emit(format, ap);
	va_end(ap);
}

void log_note(const char *format, ...)
{
	if (level < LOG_NORMAL)
		return;
	va_list ap;
	va_start(ap, format);
	emit(format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	if (level < LOG_VERBOSE)
		return;
	va_list ap;
	va_start(ap, format);
	emit(format, ap);
	va_end(ap);
}
