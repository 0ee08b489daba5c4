/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One store: what waits for it, the process that sends to it, and what the user is told of it. An
 * outage is told when it begins and when it ends, with what was lost in it; what is refused once
 * for each status, with the store's own words.
 */
#ifndef PUSH_DESTINATION_H
#define PUSH_DESTINATION_H

#include <poll.h>

#include "agent/push/address.h"
#include "agent/push/pusher.h"
#include "agent/push/queue.h"

#define DESTINATION_STATUSES 600u

struct destination {
	struct address address;
	struct queue queue;
	struct pusher pusher;
	void (*before_telling)(void *arg); /* NULL: nothing stands in the way of a line */
	void *arg;
	int is_away;
	int is_full;				  /* that was told */
	uint64_t away_since;			  /* ns */
	uint64_t lost_before;			  /* the end of the last outage, profiles */
	unsigned char told[DESTINATION_STATUSES]; /* statuses */
};

/* 0 or -EINVAL told. client gives times only. */
int destination_init(struct destination *d, const struct push_to *to, const struct client *client);
void destination_fini(struct destination *d);

/* Takes a reference. */
void destination_add(struct destination *d, struct parcel *p);

/* Answers, what is due, the process that sends. */
void destination_step(struct destination *d, uint64_t now);

/* When destination_step has something to do without an answer, ns; UINT64_MAX: never. */
uint64_t destination_due(const struct destination *d);

/* What is left is given up, and told. */
void destination_give_up(struct destination *d);

#endif
