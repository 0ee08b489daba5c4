/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the descriptors are that a system call waits on: a path, both ends of a connection, what an
 * epoll watches.
 */
#ifndef TRACER_DESCRIPTOR_H
#define TRACER_DESCRIPTOR_H

#include "agent/tracer/sockets.h"
#include "agent/tracer/waits.h"

/* The number of the call's descriptor, or -1. */
int descriptor_of(const struct call_now *call);

/* The text of that descriptor of the thread; of one that is not open "closed". */
void descriptor_text(struct sockets *s, const struct target *t, pid_t tid, int fd, struct buf *out);

/* Those of poll and ppoll, the first few: "3 descriptors: 4 tcp ..., 5 pipe:[77]". Reads the
 * target's memory. */
void descriptor_polled(struct sockets *s, const struct target *t, pid_t tid,
	const struct call_now *call, struct buf *out);

#endif
