/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's state in session. For agent/serve/ only.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "agent/push/push.h"
#include "agent/serve/http.h"
#include "agent/session.h"

struct server {
	struct session *session;
	struct http http;
	struct push push;
	uint64_t profiles;	/* that were answered */
	uint64_t hurried;	/* of these, without all of their names */
	uint64_t probe_refused; /* times that the allocation probe could not go in */
	char no_probe[512];	/* why, for those that asked last */
	/* Where it is wanted all the time: when it is tried again, and how long after the next
	 * time; it was in once; it was told that it is not. */
	uint64_t probe_at, probe_pause;
	int probe_was_in, probe_is_missed;
	int heap_is_due;     /* pushed: the next window of heap kinds is to be added */
	int heap_is_missing; /* some was lost because the probe was not in */
};

#endif
