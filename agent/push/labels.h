/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The labels of what is pushed: those that the user gave, and those of the program that was
 * profiled. A name stands once; values are valid UTF-8 and not longer than the stores take.
 */
#ifndef PUSH_LABELS_H
#define PUSH_LABELS_H

#include <stdint.h>

#include "agent/push/push_options.h"

#define LABELS_MAX (PUSH_LABELS + 8u)

struct label {
	const char *name, *value;
};

struct labels {
	char *text[LABELS_MAX]; /* name, NUL, value */
	struct label v[LABELS_MAX];
	uint32_t n;
};

/* Who was profiled. */
struct labels_program {
	const char *service; /* as it calls itself; NULL or "": not known */
	const char *comm;
	const char *host; /* NULL: not known */
	int pid;
};

/* The user's, and service_name and instance where he gave none. 0 or -ENOMEM. */
int labels_make(
	struct labels *l, const struct push_options *o, const struct labels_program *program);
void labels_fini(struct labels *l);

/* NULL: there is none of that name. */
const char *labels_value(const struct labels *l, const char *name);

/* These and n of ours, of which the given ones take the place; sorted by name. out has room for
 * all. How many. */
uint32_t labels_with(
	const struct labels *given, const struct label *ours, uint32_t n, struct label *out);

#endif
