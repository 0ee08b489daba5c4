/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for the person at the terminal, on stderr, one write each.
 *
 * Every byte that may come from the target passes through here or log_escape: control characters
 * (C0, C1, DEL) and invalid UTF-8 appear as \xNN, so a thread name cannot steer a terminal.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_QUIET = -1, LOG_NORMAL = 0, LOG_VERBOSE = 1 };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2))); /* always shown */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* unless -q */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with -v */

/* Text of ours on stderr as it is: the summary. */
void log_text(const void *text, size_t n);

/* 0, or errno of the first message that could not be written. Nobody there to read it is no
 * failure. */
int log_failure(void);

/* s made harmless into out (always terminated, cut at room); returns out. */
char *log_escape(char *out, size_t room, const char *s);

#endif
