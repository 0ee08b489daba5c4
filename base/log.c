/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"

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

/* C0, DEL, and C1 (U+0080 to U+009F, which UTF-8 begins with 0xc2). */
static int is_control(const unsigned char *p)
{
	return *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
}

/* The message's own newlines stay when keep_newline is set. */
static void escape(char *out, size_t room, const char *s, int keep_newline)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t used = 0;

	while (*p && used + 5 <= room) {
		size_t n = utf8_sequence(p);
		if (is_control(p))
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
