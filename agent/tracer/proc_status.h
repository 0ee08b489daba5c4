/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we read from /proc/PID/status (proc_pid_status(5)): lines "Key:\tvalue".
 *
 * The first line is a name that the target chose. It may look like any other line but for the
 * newline before it, so keys are looked for from the second line on.
 */
#ifndef TRACER_PROC_STATUS_H
#define TRACER_PROC_STATUS_H

#include <stdint.h>
#include <sys/types.h>

struct proc_status {
	char text[4096];
};

/* Reads fd from its start. 0 or -errno (-ESRCH: the thread is gone), then there are no lines. */
int proc_status_read(int fd, struct proc_status *out);

/* The same, and closes fd; one that is -errno of a failed open is the result. */
int proc_status_take(int fd, struct proc_status *out);

/* Of that thread, which may be any process's. */
int proc_status_of(pid_t tid, struct proc_status *out);

/* What is behind "KEY:\t", up to the end of the text; NULL: there is no such line. */
const char *proc_status_value(const struct proc_status *s, const char *key);

long proc_status_number(const struct proc_status *s, const char *key); /* 0 without the line */

/* The last number of the line (NSpid goes from our namespace down to its own); 0: there is none. */
long proc_status_last_number(const struct proc_status *s, const char *key);

/* Whether that word is in the line, among others with spaces in between. */
int proc_status_has(const struct proc_status *s, const char *key, const char *word);

/* A set of signals or capabilities. 0 or -EINVAL: there is no such line. */
int proc_status_mask(const struct proc_status *s, const char *key, uint64_t *out);

/* The effective id in the line (Uid, Gid). 0 or -EINVAL. */
int proc_status_effective_id(const struct proc_status *s, const char *key, uint32_t *out);

#endif
