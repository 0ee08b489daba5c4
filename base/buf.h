/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growable bytes with a ceiling given at the start.
 *
 * An append that would pass the ceiling, or for which there is no memory, changes nothing, sets
 * failed and returns -E2BIG or -ENOMEM; so a run of appends may be checked once at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len, room, ceiling;
	int failed; /* 0 or the first -errno */
};

void buf_init(struct buf *b, size_t ceiling);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* empty again, keeps the memory */
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_string(struct buf *b, const char *s); /* without the NUL */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NUL-terminated view of the contents; valid until the next change. NULL if that fails. */
const char *buf_text(struct buf *b);

/* All of fd from its current position, until the end. 0 or -errno. */
int buf_read_fd(struct buf *b, int fd);

#endif
