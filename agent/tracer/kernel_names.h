/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side of a blocked thread: the functions it is in, as the kernel's own files name them.
 * Each name gets a number and is told to session once.
 *
 * /proc/PID/task/TID/stack has all of them, for who has CAP_SYS_ADMIN outside of all user
 * namespaces; to others wchan names the one that waits. Addresses are in neither.
 */
#ifndef TRACER_KERNEL_NAMES_H
#define TRACER_KERNEL_NAMES_H

#include "agent/tracer/target.h"
#include "base/index.h"

struct kernel_name {
	uint16_t n;
	char text[LIMIT_KERNEL_NAME];
};

struct kernel_names {
	int sock;	/* to session */
	uint32_t first; /* number of the first one */
	int only_wchan; /* the whole stack is refused */
	struct kernel_name *v;
	uint32_t n, room;
	struct index by_text;
};

/* Lives as long as the process. */
void kernel_names_init(struct kernel_names *k, int sock, uint32_t first);

/* The numbers of the functions that a thread is in, innermost first, at most LIMIT_KERNEL_FRAMES.
 * How many; 0 where it cannot be read, or the thread is in none. */
uint32_t kernel_names_read(
	struct kernel_names *k, const struct target *target, pid_t tid, uint32_t *numbers);

/* The next function in the text of such a file at *at: its name, and its length in *n; NULL: that
 * was all. */
const char *kernel_names_next(const char **at, size_t *n);

#endif
