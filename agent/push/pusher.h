/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session's side of the process that sends (client.h): started when it is needed, killed when it
 * does not come to an end, started again when it died. Nothing here waits.
 */
#ifndef PUSH_PUSHER_H
#define PUSH_PUSHER_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/push/answer.h"
#include "agent/push/client.h"
#include "base/buf.h"

struct pusher {
	struct client client;
	pid_t pid;	   /* 0: none */
	int sock;	   /* -1: none, or its process is about to end */
	uint64_t deadline; /* when the process is taken for hung, ns; 0: nothing is on its way */
};

void pusher_init(struct pusher *p, const struct client *client);

/* 0 it is there, -EAGAIN not yet, another -errno: it cannot be. */
int pusher_start(struct pusher *p);

/* 0 or -errno: then nothing is on its way. */
int pusher_send(struct pusher *p, const struct buf *body, uint64_t now);

/* 1: *a is what became of what was sent; 0: nothing yet. */
int pusher_take(struct pusher *p, struct answer *a, uint64_t now);

/* Kills it, if there is one. */
void pusher_end(struct pusher *p);

#endif
