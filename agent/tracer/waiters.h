/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that do not run, at each tick, for the wall, block and mutex profiles. None is stopped.
 *
 * A thread that was put on a CPU since it was read is read again; else the tick adds to what its
 * stack stands for, and session is told of the sum: when it moves, once a second, at a mark. What
 * it waits for is charged to who holds it: that thread is captured, stopped if it runs, and counts
 * only if it holds the lock while it is looked at.
 */
#ifndef TRACER_WAITERS_H
#define TRACER_WAITERS_H

#include "agent/tracer/capture.h"

/* The profiles that want it. */
#define WAITERS_KINDS (KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))

struct waiters {
	struct capturer *capturer;
	struct process *const *processes; /* the caller's */
	uint32_t n_processes;
	struct charges charges; /* of this tick */
};

void waiters_begin_tick(struct waiters *w);

/* A thread that was not running at the check just made. */
void waiters_look(struct waiters *w, struct thread *th);

/* A thread that was running, and of which no stack could be taken: as wall time it counts. */
void waiters_missed(struct waiters *w, struct thread *th, enum skip why);

/* Once all were looked at: around a capture of a running thread, which may hold what others wait
 * for. */
void waiters_begin_capture(struct waiters *w, struct thread *th);
void waiters_end_capture(struct waiters *w, struct thread *th, enum skip skip);

/* Captures those that hold something and were not captured. is_crowded: who waits for a CPU cannot
 * be stopped. A late thread may be held afterwards. */
void waiters_charge(struct waiters *w, int is_crowded);

/* For struct capturer: whether one of the threads has that id. arg: the waiters. */
int waiters_knows(const void *arg, pid_t tid);

/* What session does not know yet. is_last: no stack is referred to any more. */
void waiters_tell_all(struct waiters *w, int is_last);

/* Waits that last count once more: as such (capture.again), or like new ones. */
void waiters_count_again(struct waiters *w, int as_such);

#endif
