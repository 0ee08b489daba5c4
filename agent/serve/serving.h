/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run that serves (-http) or pushes: session's phases from the side of those who wait for
 * profiles. A request becomes a window (agent/windows.h), and its answer is made when that is done.
 */
#ifndef SERVE_SERVING_H
#define SERVE_SERVING_H

#include <poll.h>

#include "agent/session.h"

#define SERVING_FDS 80

/* Before anything else of the run: listens. 0, or -errno: told. */
int serving_open(struct session *s);

/* The target is attached to: sampling may begin. */
void serving_begin(struct session *s);

/* PHASE_SHARE: the windows get their parts of the interval that was closed, and the first one that
 * is done goes on to get its names. Where there is none, sampling goes on. */
void serving_share(struct session *s);

/* PHASE_WRITE: the window's names are there, or there is no time to wait for them. */
void serving_answer(struct session *s);

/* For the event loop. Descriptors, at most SERVING_FDS; how long it may sleep, in ms (-1: until
 * something happens); what to do when it woke up. */
int serving_poll_fds(const struct session *s, struct pollfd *fds);
int serving_timeout(const struct session *s, uint64_t now);
void serving_step(struct session *s, const struct pollfd *fds, int n);

/* The run is over. */
void serving_close(struct session *s);

#endif
