/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>

#include "agent/tracer/thread_names.h"

int thread_names_set(struct thread_names *n, const char *pattern)
{
	*n = (struct thread_names){.is_set = *pattern != '\0'};
	if (n->is_set && regcomp(&n->pattern, pattern, REG_EXTENDED | REG_NOSUB)) {
		n->is_set = 0;
		return -ENOMEM;
	}
	return 0;
}

int thread_names_want(const struct thread_names *n, const char *name)
{
	return !n || !n->is_set || regexec(&n->pattern, name, 0, NULL, 0) == 0;
}
