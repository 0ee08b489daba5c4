/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pushing (agent/push/) from the side of the run: a window follows the other, and its profiles are
 * handed on. What no store takes is written to files in the folder of -o; without one only what was
 * left at the end, for a file at each interval of a long outage could fill a disk.
 */
#ifndef SERVE_PUSHING_H
#define SERVE_PUSHING_H

#include "agent/serve/server.h"

/* Before the run: whether files can be written to the folder of -o, and the processes that send. 0,
 * or -errno: told. */
int pushing_open(struct server *server);

/* The first window. */
void pushing_begin(struct session *s);

/* In each round of the event loop. */
void pushing_step(struct session *s);

/* No more windows come: what is left is sent, as far as there is time, and what was lost is told.
 * 0, or -1: something was. */
int pushing_close(struct server *server);

#endif
