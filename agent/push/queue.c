/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "agent/push/queue.h"
#include "base/hash.h"
#include "base/now.h"

void queue_init(struct queue *q, uint64_t shortest, uint64_t longest, uint64_t seed)
{
	memset(q, 0, sizeof(*q));
	q->shortest = q->pause = shortest;
	q->longest = longest;
	q->random = seed;
}

static struct parcel *take_first(struct queue *q)
{
	struct parcel *p = q->v[q->first];

	q->first = (q->first + 1) % LIMIT_PUSH_QUEUE;
	q->n--;
	q->bytes -= p->bytes;
	return p;
}

/* What the caller hears of is gone from the queue. */
static void lose(struct queue *q, struct parcel *p)
{
	if (q->lost)
		q->lost(q->arg, p);
	parcel_release(p);
}

void queue_fini(struct queue *q)
{
	parcel_release(q->away);
	q->away = NULL;
	while (q->n)
		parcel_release(take_first(q));
}

/* One larger than all of the room may be alone in it. */
static int has_room(const struct queue *q, const struct parcel *p)
{
	return !q->n || (q->n < LIMIT_PUSH_QUEUE && q->bytes + p->bytes <= LIMIT_PUSH_BYTES);
}

uint32_t queue_add(struct queue *q, struct parcel *p)
{
	uint32_t dropped = 0;

	while (!has_room(q, p)) {
		struct parcel *oldest = take_first(q);
		dropped += oldest->n;
		if (!q->away)
			q->tries = 0;
		lose(q, oldest);
	}
	q->v[(q->first + q->n++) % LIMIT_PUSH_QUEUE] = parcel_hold(p);
	q->bytes += p->bytes;
	q->counts.added += p->n;
	q->counts.dropped += dropped;
	return dropped;
}

const struct parcel *queue_send(struct queue *q, uint64_t now)
{
	if (queue_due(q) > now)
		return NULL;
	return q->away = take_first(q);
}

uint64_t queue_due(const struct queue *q)
{
	return q->away || !q->n ? UINT64_MAX : q->due;
}

int queue_is_empty(const struct queue *q)
{
	return !q->away && !q->n;
}

/* Pauses of many clients shall not fall together, no more is asked of it. */
static uint64_t next_random(struct queue *q)
{
	return hash_u64(q->random += 0x9e3779b97f4a7c15);
}

static void set_pause(struct queue *q, const struct answer *a, uint64_t now)
{
	uint64_t pause = q->pause / 2 + next_random(q) % (q->pause / 2 + 1);
	uint64_t asked = a->retry_after * SECOND;

	if (pause < asked)
		pause = asked;
	if (pause > q->longest)
		pause = q->longest;
	q->due = now + pause;
	q->pause = q->pause * 2 < q->longest ? q->pause * 2 : q->longest;
}

/* To the front, where it came from; younger ones may have taken its room. */
static enum queue_event try_again(struct queue *q, struct parcel *p)
{
	if (!has_room(q, p)) {
		q->counts.dropped += p->n;
		q->tries = 0;
		lose(q, p);
		return QUEUE_DROPPED;
	}
	q->first = (q->first + LIMIT_PUSH_QUEUE - 1) % LIMIT_PUSH_QUEUE;
	q->v[q->first] = p;
	q->n++;
	q->bytes += p->bytes;
	q->counts.retried++;
	return QUEUE_AGAIN;
}

/* The store is there, and this one is done with. */
static enum queue_event done(struct queue *q, struct parcel *p, enum answer_meaning meaning)
{
	q->tries = 0;
	q->pause = q->shortest;
	if (meaning == ANSWER_TAKEN) {
		q->counts.sent += p->n;
		q->counts.sent_bytes += p->bytes;
		parcel_release(p);
		return QUEUE_TAKEN;
	}
	q->counts.refused += p->n;
	lose(q, p);
	return QUEUE_REFUSED;
}

enum queue_event queue_answer(struct queue *q, const struct answer *a, uint64_t now)
{
	enum answer_meaning meaning = answer_meaning(a);
	struct parcel *p = q->away;

	q->away = NULL;
	if (meaning == ANSWER_TAKEN || meaning == ANSWER_REFUSED)
		return done(q, p, meaning);
	set_pause(q, a, now);
	if (meaning == ANSWER_FAILED && ++q->tries == LIMIT_PUSH_TRIES) {
		q->tries = 0;
		q->counts.given_up += p->n;
		lose(q, p);
		return QUEUE_GIVEN_UP;
	}
	return try_again(q, p);
}

void queue_hurry(struct queue *q, uint64_t now)
{
	q->due = now;
	q->pause = q->shortest;
}

uint32_t queue_give_up(struct queue *q)
{
	uint32_t profiles = 0;

	while (!queue_is_empty(q)) {
		struct parcel *p = q->away ? q->away : take_first(q);
		q->away = NULL;
		profiles += p->n;
		lose(q, p);
	}
	q->counts.given_up += profiles;
	return profiles;
}
