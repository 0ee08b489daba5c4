/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/known_details.h"
#include "base/hash.h"
#include "base/list.h"

#define MOST (64 * LIMIT_THREADS)

static void free_texts(struct known_detail *d)
{
	free(d->fd);
	free(d->kernel);
	d->fd = d->kernel = NULL;
}

void known_details_fini(struct known_details *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		free_texts(&k->v[i]);
	free(k->v);
	index_fini(&k->by_key);
	memset(k, 0, sizeof(*k));
}

struct wanted {
	const struct known_details *known;
	uint32_t key;
};

static int is_key(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return w->known->v[position].key == w->key;
}

static struct known_detail *find(const struct known_details *k, uint32_t key)
{
	struct wanted wanted = {k, key};
	long found = index_find(&k->by_key, hash_u64(key), is_key, &wanted);

	return found < 0 ? NULL : &k->v[found];
}

const struct known_detail *known_details_find(const struct known_details *k, uint32_t key)
{
	return find(k, key);
}

static int add(struct known_details *k, uint32_t key, struct known_detail **out)
{
	int error = list_room(&k->v, k->n, 1, &k->room, sizeof(*k->v), MOST);

	if (!error)
		error = index_add(&k->by_key, hash_u64(key), k->n);
	if (error)
		return error;
	*out = &k->v[k->n++];
	**out = (struct known_detail){.key = key};
	return 0;
}

static int is_sane(const struct tracer_detail *t, size_t size)
{
	return t && t->fd_len < LIMIT_DETAIL_TEXT && t->kernel_len < LIMIT_DETAIL_TEXT &&
	       size == sizeof(*t) + t->fd_len + t->kernel_len && t->wait.kind < WAIT_KINDS;
}

int known_details_tell(
	struct known_details *k, const struct wire_message *m, uint32_t key, uint64_t now)
{
	const struct tracer_detail *t = wire_payload(m, sizeof(*t));
	struct known_detail *d = find(k, key);

	if (!is_sane(t, m->size))
		return -EPROTO;
	if (t->flags & DETAIL_AGAIN) {
		if (!d || d->first.interval != t->interval)
			return -EPROTO;
		d->again = *t;
		d->has_again = 1;
		return 0;
	}
	int is_known = d != NULL, error = d ? 0 : add(k, key, &d);
	const char *texts = (const char *)(t + 1);
	char *fd = error ? NULL : strndup(texts, t->fd_len);
	char *kernel = fd ? strndup(texts + t->fd_len, t->kernel_len) : NULL;
	if (!kernel) {
		free(fd);
		return error ? error : -ENOMEM;
	}
	free_texts(d);
	d->fd = fd;
	d->kernel = kernel;
	if (!k->at || k->interval != t->interval) {
		k->interval = t->interval;
		k->at = now;
	}
	int is_still = is_known && d->first.runs_after == t->runs && t->state != 'R';
	/* A tracer that was started again tells of the same dump. */
	if (!is_known || d->first.interval != t->interval)
		d->is_still = is_still;
	if (!is_still)
		d->still_since = k->at;
	d->first = *t;
	d->has_again = 0;
	return 0;
}

static struct deadlock_edge edge_of(const struct tracer_detail *t, int32_t tid)
{
	return (struct deadlock_edge){
		.waiter = tid, .holder = t->wait.holder, .lock = t->wait.lock, .runs = t->runs};
}

int known_details_edges(const struct known_detail *d, int32_t tid, struct deadlock_edge *first,
	struct deadlock_edge *second)
{
	if (!d->has_again || !d->first.wait.holder || !d->again.wait.holder)
		return 0;
	*first = edge_of(&d->first, tid);
	*second = edge_of(&d->again, tid);
	return 1;
}

int known_details_forget(struct known_details *k, uint32_t interval)
{
	uint32_t n = k->n;
	int error = 0;

	k->n = 0;
	index_fini(&k->by_key);
	for (uint32_t i = 0; i < n; i++) {
		if (error || k->v[i].first.interval < interval) {
			free_texts(&k->v[i]);
			continue;
		}
		error = index_add(&k->by_key, hash_u64(k->v[i].key), k->n);
		if (error)
			free_texts(&k->v[i]);
		else
			k->v[k->n++] = k->v[i];
	}
	return error;
}
