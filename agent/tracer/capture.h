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

#include "agent/tracer/charge.h"
#include "agent/tracer/kernel_names.h"
#include "agent/tracer/tracee.h"
#include "base/ring.h"

/* What a capture without a stack of its own stands for. */
struct capture_more {
	uint32_t kinds, weight, looks, contentions, again;
	int state;
	struct wait wait;
};

/* The goroutine that a thread is asked for. */
struct wanted_goroutine {
	uint64_t id;   /* 0: none is */
	uint64_t g;    /* address of its struct g, */
	uint64_t held; /* and where its thread's data says which one it runs */
};

struct capturer {
	struct ring *ring;
	struct tracee tracee;
	struct tracer_stats *stats;
	size_t room;	   /* for stacks, in the capture that is being taken */
	uint32_t interval; /* that captures belong to */
	uint64_t began;	   /* the tick: a thread is sampled that was on a CPU then */
	uint32_t asked;	   /* KIND(): the profiles of the run */
	/* What others wait for from the thread that is stopped next: looked at during the stop,
	 * whether it holds all that (at most CAPTURE_CHARGES); a bit for each. */
	struct charge *charges;
	uint32_t n_charges, held;
	int has_stack;	/* of the thread that was stopped last: it could be read */
	int is_on_wall; /* that did not compute: it counts as wall time, whatever the skip says */
	struct kernel_names *kernel; /* NULL: not asked for */
	uint32_t in_kernel[LIMIT_KERNEL_FRAMES];
	struct wanted_goroutine
		wanted; /* for PROFILE_GOROUTINE: counts only if the thread runs it */
	/* Whether a thread id is that of a thread that is profiled; NULL: none is asked for. */
	int (*is_ours)(const void *arg, pid_t tid);
	const void *arg;
};

#define CAPTURE_CHARGES 32u

/* Room for a capture of a goroutine, with two stacks of that size, filled but for its stack; NULL:
 * the ring is full. capture_push makes it known. */
struct capture *capture_goroutine(
	struct capturer *c, const struct thread *th, uint64_t id, int state, size_t stack);
void capture_push(struct capturer *c, struct capture *cap);

/* SKIPS: a capture was pushed; else the reason why there is none. For the cpu and wall profiles a
 * thread that went to sleep on the way, or was only waking up, is skipped, but may be wall time
 * (c->is_on_wall); for the others it counts, for mutex only if it holds one of c->charges. */
enum skip capture_running(struct capturer *c, struct thread *th, uint32_t kinds, int state);

/* 1 pushed; 2 nothing is to be pushed: it waits for what is of no interest to these kinds; 0 it is
 * running: stop it; -EAGAIN it moved each time; -ESRCH gone; -ENOSPC ring full; -EPERM refused.
 * After 1 and 2 th->waiting is of now. */
int capture_blocked(struct capturer *c, struct thread *th, uint32_t kinds, int state);

/* Whether a wait of that kind is for something that a thread can hold; which of the kinds a thread
 * goes into that waits so. */
int capture_may_have_holder(const struct wait *w);
uint32_t capture_kinds_of(uint32_t kinds, const struct wait *w);

/* Who holds now what the thread waits for: into th->waiting.wait. */
void capture_find_holder(struct capturer *c, struct thread *th);

/* Which of c->charges the thread holds: c->held. */
void capture_look_at_locks(struct capturer *c, const struct thread *th);

/* More of the stack that the thread's last capture had. 1 or -ENOSPC. */
int capture_same(struct capturer *c, const struct thread *th, const struct capture_more *more);

/* Of a thread that is stopped while it creates another one, into cap, which has c->room for stacks;
 * nothing is pushed. Less room than is wanted: no stack, and marked. */
void capture_creator(struct capturer *c, const struct thread *th, size_t want, struct capture *cap);

/* Where nobody is stopped, and nothing may be lost: waits until any capture fits, which a worker
 * that does not keep up is replaced for. */
void capture_wait_for_room(struct capturer *c);

/* A capture that only says why this thread has no stack. 1 or -ENOSPC. */
int capture_missing(struct capturer *c, const struct thread *th, const struct capture_more *more,
	enum capture_missing why);

#endif
