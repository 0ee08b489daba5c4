/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/push/destination.h"
#include "base/log.h"
#include "base/now.h"

int destination_init(struct destination *d, const struct push_to *to, const struct client *client)
{
	struct client c = *client;
	const char *why;

	d->pusher.sock = -1;
	if (address_parse(&d->address, to->url, &why) < 0) {
		log_error("-push: %s", why);
		return -EINVAL;
	}
	c.url = d->address.url;
	c.content_type = stores[d->address.store].content_type;
	c.authorization = to->authorization;
	c.tenant = to->tenant;
	c.ca = to->ca;
	pusher_init(&d->pusher, &c);
	return 0;
}

void destination_fini(struct destination *d)
{
	pusher_end(&d->pusher);
	queue_fini(&d->queue);
}

/* --- what the user is told ----------------------------------------------------------------- */

static void clear_line(const struct destination *d)
{
	if (d->before_telling)
		d->before_telling(d->arg);
}

/* What came, in words: "503 (text)" or the error's own. */
static const char *words(char *out, size_t room, const struct answer *a)
{
	char shown[2 * ANSWER_TEXT];

	log_escape(shown, sizeof(shown), a->text);
	if (a->error)
		snprintf(out, room, "%s", shown);
	else
		snprintf(out, room, *shown ? "%u (%s)" : "%u", a->status, shown);
	return out;
}

static uint64_t lost_so_far(const struct destination *d)
{
	return d->queue.counts.dropped + d->queue.counts.given_up;
}

static void tell_away(struct destination *d, const struct answer *a, uint64_t now)
{
	char text[3 * ANSWER_TEXT];

	if (d->is_away)
		return;
	d->is_away = 1;
	d->away_since = now;
	clear_line(d);
	log_note("push to %s: %s; what is to be pushed waits", d->address.shown,
		words(text, sizeof(text), a));
}

static void tell_back(struct destination *d, uint64_t now)
{
	uint64_t lost = lost_so_far(d) - d->lost_before;
	uint64_t seconds = (now - d->away_since) / SECOND;

	if (!d->is_away)
		return;
	d->is_away = d->is_full = 0;
	d->lost_before = lost_so_far(d);
	clear_line(d);
	if (lost)
		log_note("push to %s: it answers again after %" PRIu64 " s; %" PRIu64
			 " profiles were lost",
			d->address.shown, seconds, lost);
	else
		log_note("push to %s: it answers again after %" PRIu64 " s; nothing was lost",
			d->address.shown, seconds);
}

static const char *remedy(const struct answer *a)
{
	if (a->status >= 300 && a->status < 400)
		return "; redirects are not followed, give the final URL";
	if (a->status == 401 || a->status == 403)
		return "; see -push-auth and -tenant";
	return a->status == 404 ? "; is this the store's address?" : "";
}

/* Once for each status: it will be the same with the next one. */
static void tell_lost(struct destination *d, const struct answer *a, enum queue_event event)
{
	char text[3 * ANSWER_TEXT];
	uint32_t status = a->status < DESTINATION_STATUSES ? a->status : 0;

	if (d->told[status])
		return;
	d->told[status] = 1;
	clear_line(d);
	words(text, sizeof(text), a);
	if (event == QUEUE_REFUSED)
		log_error("push to %s: refused: %s%s", d->address.shown, text, remedy(a));
	else
		log_error("push to %s: given up after %u tries: %s", d->address.shown,
			LIMIT_PUSH_TRIES, text);
}

/* Once: the end of the outage tells how many. */
static void tell_full(struct destination *d)
{
	if (d->is_full)
		return;
	d->is_full = 1;
	clear_line(d);
	log_error("push to %s: no room for more than %u windows or %lu MiB; the oldest are lost "
		  "until it answers again",
		d->address.shown, LIMIT_PUSH_QUEUE, LIMIT_PUSH_BYTES / MIB);
}

/* --- its course ---------------------------------------------------------------------------- */

void destination_add(struct destination *d, struct parcel *p)
{
	if (queue_add(&d->queue, p))
		tell_full(d);
}

static void on_answer(struct destination *d, const struct answer *a, uint64_t now)
{
	enum queue_event event = queue_answer(&d->queue, a, now);

	switch (event) {
	case QUEUE_TAKEN:
		tell_back(d, now);
		break;
	case QUEUE_REFUSED:
		tell_back(d, now);
		tell_lost(d, a, event);
		break;
	case QUEUE_GIVEN_UP:
		tell_lost(d, a, event);
		break;
	case QUEUE_AGAIN:
		tell_away(d, a, now);
		break;
	case QUEUE_DROPPED:
		tell_away(d, a, now);
		tell_full(d);
	}
}

/* 0 or -errno: it is on its way, or not. */
static int send_parcel(struct destination *d, const struct parcel *p, uint64_t now)
{
	struct buf body;

	buf_init(&body, LIMIT_PUSH_BODY);
	int error = stores[d->address.store].body(p, &body);
	if (!error)
		error = pusher_send(&d->pusher, &body, now);
	buf_fini(&body);
	return error;
}

static void fail(struct destination *d, int error, uint64_t now)
{
	struct answer a = {.error = ANSWER_DIED};

	snprintf(a.text, sizeof(a.text), "cannot send: %s", strerror(-error));
	on_answer(d, &a, now);
}

void destination_step(struct destination *d, uint64_t now)
{
	struct answer a;

	while (pusher_take(&d->pusher, &a, now))
		on_answer(d, &a, now);
	if (queue_due(&d->queue) > now)
		return;
	int error = pusher_start(&d->pusher);
	if (error == -EAGAIN)
		return;
	const struct parcel *p = queue_send(&d->queue, now);
	if (!error)
		error = send_parcel(d, p, now);
	if (error)
		fail(d, error, now);
}

uint64_t destination_due(const struct destination *d)
{
	uint64_t due = queue_due(&d->queue);

	if (d->pusher.deadline && d->pusher.deadline < due)
		due = d->pusher.deadline;
	return due;
}

void destination_give_up(struct destination *d)
{
	uint32_t left = queue_give_up(&d->queue);

	pusher_end(&d->pusher);
	if (!left)
		return;
	clear_line(d);
	log_error("push to %s: %u profile%s could not be sent in the end", d->address.shown, left,
		left == 1 ? "" : "s");
}
