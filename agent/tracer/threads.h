/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of the target's threads: found by listing /proc/PID/task, looked at through descriptors
 * that stay open (about 1 us a look, against 7 with open and close).
 *
 * Threads are kept sorted by tid. A look costs nothing for the target. A thread id that is used
 * again has another start time and becomes a new thread with a new serial.
 */
#ifndef TRACER_THREADS_H
#define TRACER_THREADS_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/tracer/target.h"

struct thread {
	pid_t tid;
	uint32_t serial;
	int schedstat_fd, stat_fd;
	int status_fd; /* opened when first asked for; -1 */
	uint64_t start_time;
	struct schedstat last; /* at the last look */
	uint8_t moved;	       /* ran between the last two looks */
	uint8_t was_running;   /* state R at the last check */
	uint8_t listed;	       /* seen by the present listing */
	uint8_t is_new;	       /* not there at the first listing */
	uint8_t unsent;	       /* session does not know its latest figures */
	uint8_t ended;
	uint32_t idle_looks; /* looks since it last moved */
	uint32_t weight;     /* of a sample at this tick: see struct capture */
	char name[16];
};

struct threads {
	const struct target *target;
	struct thread *v;
	uint32_t n, room;
	uint32_t next_serial;
	uint32_t turn; /* where the round through the idle ones stands */
	uint32_t seen; /* ever */
	int first_listing_done;
};

void threads_init(struct threads *t, const struct target *target, uint32_t first_serial);
void threads_fini(struct threads *t);

/* Lists anew: new threads are added, ended ones marked ended (threads_sweep removes them). 0 or
 * -errno. */
int threads_refresh(struct threads *t);
void threads_sweep(struct threads *t);

/* Reads schedstat; sets moved. 0, or -ESRCH and ended is set. */
int thread_look(struct thread *th);

/* Reads stat: the state's letter, or -errno. start_stack may be NULL. */
int thread_state(const struct target *target, struct thread *th, uint64_t *start_stack);

/* Times it was put on a CPU less the times it left one: 1 while it is on a CPU, 0 otherwise. -errno
 * when it cannot be told. */
int thread_is_on_cpu(const struct target *target, struct thread *th);

#endif
