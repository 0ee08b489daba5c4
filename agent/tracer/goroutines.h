/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The goroutine profile: every goroutine of a process once, by the runtime's own list of them.
 *
 * One that no thread runs is read without a stop: its struct, its stack and its struct again, which
 * must not have changed. One that runs is captured through its thread, and counts if that is what
 * the thread runs then. All that is read is the target's word: it decides what of its own memory is
 * read, and nothing else.
 */
#ifndef TRACER_GOROUTINES_H
#define TRACER_GOROUTINES_H

#include "agent/tracer/capture.h"

/* Waits for the worker where the ring is full. A late thread may be held afterwards. */
enum go_lack goroutines_snapshot(struct capturer *c, const struct process *p);

#endif
