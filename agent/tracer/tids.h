/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thread ids as a process writes them into its memory, which are those of its own PID namespace, as
 * ids of ours: by the line NSpid of /proc/PID/task/TID/status.
 *
 * Where the namespaces are the same a look costs one faccessat; else all threads are asked for
 * theirs, again only when an id is not among them, and for at most a 20th of the time.
 */
#ifndef TRACER_TIDS_H
#define TRACER_TIDS_H

#include "agent/tracer/threads.h"

/* Zero-initialized is empty. */
struct tids {
	struct tid_pair {
		pid_t theirs, ours;
	} * v; /* sorted by theirs */
	uint32_t n, room;
	uint64_t next_listing;
	int depth; /* numbers in NSpid; 0: not read yet; 1: the namespaces are the same */
};

#define TIDS_MOST 4194304 /* PID_MAX_LIMIT of the kernel */

void tids_fini(struct tids *t);

/* Our id of that thread of the process; 0: it has no such thread; -EAGAIN: cannot be told now. */
pid_t tids_find(struct tids *t, const struct threads *threads, pid_t theirs);

/* The same of any process. -EAGAIN also where it would be in a namespace that is not ours. */
pid_t tids_find_anywhere(struct tids *t, const struct threads *threads, pid_t theirs);

#endif
