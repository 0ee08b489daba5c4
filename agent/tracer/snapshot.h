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

#endif
