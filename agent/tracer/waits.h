/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a blocked thread waits for, and who holds it, without a stop: from the system call it is in
 * (/proc/PID/task/TID/syscall) and, for a futex, from the words around it.
 *
 * Layouts: glibc 2.31 and later (struct __pthread_mutex_s, __pthread_rwlock_arch_t, struct
 * pthread), musl. The memory is the target's: nothing in it is believed before it makes sense, and
 * what a lock does not record stays 0. Thread ids there are of the target's PID namespace.
 *
 * Once, semaphores, barriers and what languages make of futexes have no shape that could be told
 * for certain: they stay WAIT_FUTEX, until the names on the stack tell (output/wait_kind.h).
 */
#ifndef TRACER_WAITS_H
#define TRACER_WAITS_H

#include "agent/tracer/process.h"

/* A thread's system call; nr -1: blocked in none (a page fault). */
struct call_now {
	int64_t nr;
	uint64_t args[6];
	uint64_t sp, pc;
};

/* The file's text. 1; 0 "running"; -EINVAL. */
int waits_parse(const char *text, struct call_now *out);

/* Always fills out. The caller has to make sure by the run counts that the thread was in that call
 * before and after, and that memory that never answers is not read again by the next tracer
 * (ring_begin_read): this reads the target's. The holder is looked for among the process's threads;
 * of a lock between processes also elsewhere. */
void waits_find(struct process *p, const struct call_now *call, struct wait *out);

#endif
