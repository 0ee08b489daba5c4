/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -dump says of a thread besides its stack: its system call, what that waits for and for how
 * long yet, how long it has not run. All is read without a stop, and nothing of a call is told
 * unless the run counts show that the thread was in it all the time.
 */
#ifndef TRACER_DETAIL_H
#define TRACER_DETAIL_H

#include "agent/tracer/idle.h"
#include "agent/tracer/sockets.h"

struct details {
	struct ring *ring;
	uint32_t interval;
	struct idle idle;
	struct sockets sockets;
};

/* For one snapshot. */
void details_begin(struct details *d, struct ring *ring, uint32_t interval);
void details_end(struct details *d);

/* A thread before its stack is read. */
struct before {
	struct schedstat runs;
	int64_t idle; /* as idle_time says */
	int state;    /* the letter */
};

/* 0, or -ESRCH: it has ended. */
int detail_begin(struct details *d, struct thread *th, int state, struct before *out);

/* After its stack was read: tells session. */
void detail_tell(struct details *d, struct thread *th, const struct before *before);

/* The second look at the threads that wait for one that holds their lock: who has not run since,
 * and waits for the same, is held up for good if it is in a circle of such. */
void details_again(struct details *d, struct threads *threads);

#endif
