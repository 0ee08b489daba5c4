/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread into one capture in the ring.
 *
 * A running thread is stopped for it; a blocked one is read without a stop, and counts only if it
 * was not put on a CPU meanwhile. Between a stop and its release nothing here allocates, writes a
 * file or waits for anything but the kernel.
 */
#ifndef TRACER_CAPTURE_H
#define TRACER_CAPTURE_H

#include "agent/tracer/process.h"
#include "agent/tracer/tracee.h"
#include "base/ring.h"

struct capturer {
	struct ring *ring;
	struct tracee tracee;
	struct tracer_stats *stats;
	size_t room;	   /* for stacks, in the capture that is being taken */
	uint32_t interval; /* that captures belong to */
	uint64_t began;	   /* the tick: a thread is sampled that was on a CPU then */
};

/* SKIPS: a capture was pushed; else the reason why there is none. For the cpu profile a thread that
 * went to sleep on the way, or was only waking up, is skipped; for the threads profile it counts.
 */
enum skip capture_running(struct capturer *c, struct thread *th, enum profile_kind kind, int state);

/* 1 pushed; 0 it is running: stop it; -EAGAIN it moved each time; -ESRCH gone; -ENOSPC ring full;
 * -EPERM refused. */
int capture_blocked(struct capturer *c, struct thread *th, int state);

/* Of a thread that is stopped while it creates another one, into cap, which has c->room for stacks;
 * nothing is pushed. Less room than is wanted: no stack, and marked. */
void capture_creator(struct capturer *c, const struct thread *th, size_t want, struct capture *cap);

/* Where nobody is stopped, and nothing may be lost: waits until any capture fits, which a worker
 * that does not keep up is replaced for. */
void capture_wait_for_room(struct capturer *c);

/* A capture that only says why this thread has no stack. 1 or -ENOSPC. */
int capture_missing(
	struct capturer *c, const struct thread *th, int state, enum capture_missing why);

#endif
