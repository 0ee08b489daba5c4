/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The identity of the profiled process: a pidfd and a descriptor of its /proc directory, opened
 * once and checked against each other, so that a reused pid is never mistaken for it.
 */
#ifndef TRACER_TARGET_H
#define TRACER_TARGET_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/tracer/proc_stat.h"
#include "base/buf.h"
#include "base/message.h"

struct target {
	pid_t pid;
	int proc;	       /* /proc/PID */
	int pidfd;	       /* -1 where the kernel has none (before 5.3) */
	struct proc_stat stat; /* when it was opened */
};

/* 0, or -1 with the one cause in why. is_launched: it is a child of ours that becomes the user's
 * command, and no part of us. */
int target_open(struct target *t, pid_t pid, int is_launched, struct tracer_refused *why);
void target_close(struct target *t);

int target_is_alive(const struct target *t);

/* CPU time of all its threads, ended ones included, in ns; 0 if it is gone. */
uint64_t target_clock(const struct target *t);

/* /proc/PID/task/TID/NAME for reading, or -errno. A live thread's files work when the main thread
 * has ended; those of the process do not. */
int target_open_file(const struct target *t, pid_t tid, const char *name);

/* The root folder that the thread sees, opened by O_PATH, or -errno. */
int target_open_root(const struct target *t, pid_t tid);

/* All of such a file, added to text. 0 or -errno. */
int target_read_file(const struct target *t, pid_t tid, const char *name, struct buf *text);

#endif
