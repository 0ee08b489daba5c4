/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A status file of /proc, of a process or a thread: lines "KEY:<tab>VALUE" (proc_pid_status(5)).
 *
 * A line is found by its begin only. The first one has the name that the thread gave itself, which
 * may look like any other line: tabs stay as they are in it, but a line it cannot end.
 */
#ifndef TRACER_STATUS_TEXT_H
#define TRACER_STATUS_TEXT_H

#include <sys/types.h>

struct status_text {
	char text[4096];
};

/* Of that thread of that process, tid is pid for the process. 0 or -errno, and an empty text. */
int status_text_read(struct status_text *s, pid_t pid, pid_t tid);

/* Our own. */
int status_text_read_own(struct status_text *s);

/* What is behind "KEY:" and the spaces there, up to the end of the file; NULL: no such line. */
const char *status_text_value(const struct status_text *s, const char *key);

/* The letter of its state; '\0' where it is not known. */
char status_text_state(const struct status_text *s);

/* Whether that word is in the line of that key. */
int status_text_has(const struct status_text *s, const char *key, const char *word);

#endif
