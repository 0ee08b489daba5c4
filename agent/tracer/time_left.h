/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a system call that waits will give up, from its arguments.
 */
#ifndef TRACER_TIME_LEFT_H
#define TRACER_TIME_LEFT_H

#include "agent/tracer/waits.h"

#define TIME_FOR_EVER (-1)
#define TIME_UNKNOWN  (-2)

/* ns that are left at most: a call that was woken on the way began earlier than idle (how long the
 * thread has not run; -1 unknown) tells. Reads the target's memory. */
int64_t time_left(pid_t tid, const struct call_now *call, int64_t idle);

#endif
