/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads profile: every thread once. Blocked threads are read without a stop, running ones
 * with one; a thread whose stack cannot be had is there too, with the reason.
 */
#ifndef TRACER_SNAPSHOT_H
#define TRACER_SNAPSHOT_H

#include "agent/tracer/capture.h"
#include "agent/tracer/detail.h"

/* Waits for the worker where the ring is full. A late thread may be held afterwards. details: with
 * each thread's; NULL: without. */
void snapshot_take(struct capturer *c, struct threads *threads, struct details *details);

/* One thread into a profile of that kind. 1 captured, or there was no room; -ESRCH it has ended;
 * else why it was not. *state: the kernel's letter. */
int snapshot_thread(struct capturer *c, struct thread *th, uint32_t kinds, int *state);

/* The same in the words of a capture. */
enum capture_missing snapshot_reason(int result);

#endif
