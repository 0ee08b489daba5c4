/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/push/push.h"
#include "base/log.h"
#include "base/now.h"

/* A window that failed at several stores is saved once. */
static void on_lost(void *arg, struct parcel *parcel)
{
	struct push *p = arg;

	if (parcel->is_failed)
		return;
	parcel->is_failed = 1;
	if (p->n_failed == PUSH_FAILED) {
		p->unsaved += parcel->n;
		return;
	}
	p->failed[p->n_failed++] = parcel_hold(parcel);
}

struct parcel *push_take_failed(struct push *p)
{
	struct parcel *first = p->failed[0];

	if (!p->n_failed)
		return NULL;
	p->n_failed--;
	memmove(p->failed, p->failed + 1, p->n_failed * sizeof(*p->failed));
	return first;
}

static void set_usual(uint32_t *value, uint32_t usual)
{
	if (!*value)
		*value = usual;
}

static int init_one(struct push *p, struct destination *d, const struct push_to *to)
{
	const struct client times = {
		.connect_ms = p->times.connect_ms, .total_ms = p->times.total_ms};
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = getpid();
	queue_init(&d->queue, p->times.shortest_ms * MS, p->times.longest_ms * MS, seed);
	d->queue.lost = on_lost;
	d->queue.arg = p;
	int error = destination_init(d, to, &times);
	/* If it cannot be now, it may when there is something to send. */
	if (!error)
		pusher_start(&d->pusher);
	return error;
}

int push_init(
	struct push *p, const struct push_options *o, void (*before_telling)(void *arg), void *arg)
{
	int error = 0;

	p->options = o;
	set_usual(&p->times.connect_ms, 5000);
	set_usual(&p->times.total_ms, 10000);
	set_usual(&p->times.shortest_ms, 500);
	set_usual(&p->times.longest_ms, LIMIT_PUSH_WAIT_MS);
	set_usual(&p->times.end_ms, 10000);
	if (gethostname(p->host, sizeof(p->host) - 1) < 0)
		p->host[0] = '\0';
	for (; p->n < o->n && !error; p->n++) {
		p->v[p->n].before_telling = before_telling;
		p->v[p->n].arg = arg;
		error = init_one(p, &p->v[p->n], &o->to[p->n]);
	}
	return error;
}

static int make(struct push *p, const struct profile *const *profiles, uint32_t n,
	const struct labels_program *program, struct parcel **out)
{
	struct labels labels;
	int error = labels_make(&labels, p->options, program);

	if (error)
		return error;
	error = parcel_make(out, profiles, n, &labels);
	labels_fini(&labels);
	return error;
}

int push_add(struct push *p, const struct profile *const *profiles, uint32_t n, const char *comm,
	int pid, const char *service)
{
	const struct labels_program program = {
		.service = service, .comm = comm, .host = p->host, .pid = pid};
	struct parcel *parcel;

	if (!p->n || !n)
		return 0;
	int error = make(p, profiles, n, &program, &parcel);
	if (error) {
		log_error("push: cannot make what is to be sent: %s", strerror(-error));
		return error;
	}
	snprintf(parcel->comm, sizeof(parcel->comm), "%s", comm);
	parcel->pid = pid;
	for (uint32_t i = 0; i < p->n; i++)
		destination_add(&p->v[i], parcel);
	parcel_release(parcel);
	return 0;
}

int push_poll_fds(const struct push *p, struct pollfd *fds, int room)
{
	int used = 0;

	for (uint32_t i = 0; i < p->n && used < room; i++)
		if (p->v[i].pusher.sock >= 0)
			fds[used++] = (struct pollfd){.fd = p->v[i].pusher.sock, .events = POLLIN};
	return used;
}

/* One that is due and was not sent waits for its killed process to be gone. */
#define AGAIN_MS 10

int push_timeout_ms(const struct push *p, uint64_t now)
{
	uint64_t due = p->stop_at && !push_is_idle(p) ? p->stop_at : UINT64_MAX;

	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t one = destination_due(&p->v[i]);
		due = one < due ? one : due;
	}
	if (due == UINT64_MAX)
		return -1;
	if (due <= now)
		return AGAIN_MS;
	uint64_t ms = (due - now + MS - 1) / MS;
	return ms < 1000000 ? ms : 1000000;
}

void push_step(struct push *p, uint64_t now)
{
	for (uint32_t i = 0; i < p->n; i++) {
		destination_step(&p->v[i], now);
		if (p->stop_at && now >= p->stop_at)
			destination_give_up(&p->v[i]);
	}
}

int push_is_idle(const struct push *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (!queue_is_empty(&p->v[i].queue))
			return 0;
	return 1;
}

void push_stop(struct push *p, uint64_t now)
{
	if (p->stop_at)
		return;
	p->stop_at = now + p->times.end_ms * MS;
	for (uint32_t i = 0; i < p->n; i++)
		queue_hurry(&p->v[i].queue, now);
}

static uint64_t lost_of(const struct push_counts *c)
{
	return c->refused + c->given_up + c->dropped;
}

int push_has_failed(const struct push *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (lost_of(&p->v[i].queue.counts))
			return 1;
	return 0;
}

const struct push_counts *push_counts(const struct push *p, uint32_t i)
{
	return &p->v[i].queue.counts;
}

uint32_t push_waiting(const struct push *p, uint32_t i)
{
	const struct queue *q = &p->v[i].queue;
	uint32_t profiles = q->away ? q->away->n : 0;

	for (uint32_t k = 0; k < q->n; k++)
		profiles += q->v[(q->first + k) % LIMIT_PUSH_QUEUE]->n;
	return profiles;
}

const char *push_name(const struct push *p, uint32_t i)
{
	return p->v[i].address.shown;
}

void push_tell(const struct push *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		const struct push_counts *c = push_counts(p, i);
		if (lost_of(c))
			log_error("pushed    %" PRIu64 " of %" PRIu64 " profiles to %s: %" PRIu64
				  " were refused, %" PRIu64 " given up, %" PRIu64 " dropped",
				c->sent, c->added, push_name(p, i), c->refused, c->given_up,
				c->dropped);
		else
			log_note("pushed    %" PRIu64 " profile%s to %s", c->sent,
				c->sent == 1 ? "" : "s", push_name(p, i));
	}
	if (p->unsaved)
		log_error("pushed    %" PRIu64
			  " profile%s that no store got could not be kept for files either: more "
			  "than %u windows failed at once",
			p->unsaved, p->unsaved == 1 ? "" : "s", PUSH_FAILED);
}

void push_fini(struct push *p)
{
	struct parcel *left;

	for (uint32_t i = 0; i < p->n; i++)
		destination_fini(&p->v[i]);
	while ((left = push_take_failed(p)))
		parcel_release(left);
	p->n = 0;
}
