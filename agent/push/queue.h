/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits for one store, in order, and when it is tried again. The clock is the caller's.
 *
 * One parcel at a time is on its way. What may be tried again goes back to the front, after a pause
 * that doubles each time, less a random part, and is not shorter than the store asked for
 * (Retry-After), within bounds. When there is no room the oldest is dropped: then nothing waits for
 * longer than what the bounds hold, whatever becomes of the store.
 */
#ifndef PUSH_QUEUE_H
#define PUSH_QUEUE_H

#include <stdint.h>

#include "agent/push/answer.h"
#include "agent/push/parcel.h"
#include "base/limits.h"

/* Of profiles; retried: of requests. */
struct push_counts {
	uint64_t added, sent, sent_bytes, retried;
	uint64_t refused;  /* by the store, for good */
	uint64_t given_up; /* after so many tries, or at the end of the run */
	uint64_t dropped;  /* for want of room */
};

struct queue {
	struct parcel *v[LIMIT_PUSH_QUEUE];
	uint32_t first, n;
	size_t bytes;
	struct parcel *away;	    /* on its way; NULL: none */
	uint32_t tries;		    /* that failed, of the one on its way or the first */
	uint64_t due;		    /* no try before */
	uint64_t pause;		    /* the next one, ns */
	uint64_t shortest, longest; /* pauses, ns */
	uint64_t random;
	struct push_counts counts;
	void (*lost)(void *arg, struct parcel *p); /* hears of what is not tried again */
	void *arg;
};

void queue_init(struct queue *q, uint64_t shortest, uint64_t longest, uint64_t seed);
void queue_fini(struct queue *q);

/* Takes a reference. How many profiles had to be dropped for it. */
uint32_t queue_add(struct queue *q, struct parcel *p);

/* What is to be sent now, which is on its way from then on; NULL: nothing. */
const struct parcel *queue_send(struct queue *q, uint64_t now);

enum queue_event { QUEUE_TAKEN, QUEUE_AGAIN, QUEUE_REFUSED, QUEUE_GIVEN_UP, QUEUE_DROPPED };

/* What became of the one on its way. */
enum queue_event queue_answer(struct queue *q, const struct answer *a, uint64_t now);

/* When something is to be sent; UINT64_MAX: nothing, or something is on its way. */
uint64_t queue_due(const struct queue *q);

int queue_is_empty(const struct queue *q);

/* Tries at once, and with short pauses from then on. */
void queue_hurry(struct queue *q, uint64_t now);

/* Gives up all that is left. How many profiles. */
uint32_t queue_give_up(struct queue *q);

#endif
