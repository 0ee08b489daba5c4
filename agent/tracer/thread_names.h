/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which threads are profiled, by their names (-thread): those that a POSIX extended regular
 * expression (regex(7)) matches anywhere, as grep -E would. Names are of up to 15 bytes, and any
 * bytes.
 */
#ifndef TRACER_THREAD_NAMES_H
#define TRACER_THREAD_NAMES_H

#include <regex.h>

/* Zero-initialized wants all. */
struct thread_names {
	regex_t pattern;
	int is_set;
};

/* "": all. 0 or -ENOMEM, also for what is no regular expression: session has tried it. */
int thread_names_set(struct thread_names *n, const char *pattern);

/* n may be NULL. */
int thread_names_want(const struct thread_names *n, const char *name);

#endif
