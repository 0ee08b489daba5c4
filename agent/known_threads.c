/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/known_threads.h"
#include "base/hash.h"
#include "base/list.h"

#define MOST (64 * LIMIT_THREADS)

void known_threads_fini(struct known_threads *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		last_stack_fini(&k->v[i].stack);
	free(k->v);
	free(k->serials);
	index_fini(&k->by_serial);
	memset(k, 0, sizeof(*k));
}

struct wanted_serial {
	const struct known_threads *known;
	uint32_t serial;
};

static int is_serial(const void *arg, uint32_t position)
{
	const struct wanted_serial *w = arg;

	return w->known->serials[position].serial == w->serial;
}

struct known_thread *known_threads_find(const struct known_threads *k, uint32_t serial)
{
	struct wanted_serial wanted = {k, serial};
	long found = index_find(&k->by_serial, hash_u64(serial), is_serial, &wanted);

	return found < 0 ? NULL : &k->v[k->serials[found].thread];
}

static int add_serial(struct known_threads *k, uint32_t serial, uint32_t thread)
{
	int error = list_room(
		&k->serials, k->n_serials, 1, &k->serials_room, sizeof(*k->serials), MOST);

	if (!error)
		error = index_add(&k->by_serial, hash_u64(serial), k->n_serials);
	if (error)
		return error;
	k->serials[k->n_serials++] = (struct known_serial){serial, thread};
	if (serial >= k->next_serial)
		k->next_serial = serial + 1;
	return 0;
}

/* The thread of that identity, or a new one; its index, or -errno. */
static long thread_of(struct known_threads *k, const struct tracer_thread *t, int32_t pid,
	int is_again, uint32_t interval)
{
	for (uint32_t i = is_again ? k->n : 0; i-- > 0;)
		if (k->v[i].info.tid == t->tid && k->v[i].info.start_time == t->start_time)
			return i;
	int error = list_room(&k->v, k->n, 1, &k->room, sizeof(*k->v), MOST);
	if (error)
		return error;
	k->v[k->n] = (struct known_thread){
		.info = {.tid = t->tid, .pid = pid, .start_time = t->start_time},
		.key = k->next_key++,
		.is_new = t->is_new,
		.born_in = interval,
		.is_left_out = t->is_left_out,
		.baseline = t->is_new || is_again ? 0 : t->cpu,
	};
	return k->n++;
}

int known_threads_tell(struct known_threads *k, const struct tracer_thread *t, int32_t pid,
	int is_again, uint32_t interval)
{
	struct known_thread *known = known_threads_find(k, t->serial);

	if (!known) {
		long index = thread_of(k, t, pid, is_again, interval);
		int error = index < 0 ? (int)index : add_serial(k, t->serial, index);
		if (error)
			return error;
		known = &k->v[index];
	}
	int ends = t->has_ended && !known->has_ended;
	uint64_t before = known->cpu > known->baseline ? known->cpu : known->baseline;
	/* Until now it had the name that was told last. */
	if (known->is_left_out && t->cpu > before)
		known->left_out += t->cpu - before;
	if (t->cpu > known->cpu)
		known->cpu = t->cpu;
	if (ends)
		known->ended_in = interval;
	known->has_ended |= ends;
	known->is_left_out = t->is_left_out;
	memcpy(known->info.name, t->name, sizeof(known->info.name));
	known->info.name[sizeof(known->info.name) - 1] = '\0';
	return ends;
}

uint32_t known_threads_life(const struct known_thread *t, uint32_t interval)
{
	return (t->is_new && t->born_in == interval ? LIFE_BEGAN : 0) |
	       (t->has_ended && t->ended_in == interval ? LIFE_ENDED : 0);
}

uint64_t known_threads_take_cpu(struct known_thread *t, uint64_t *left_out)
{
	uint64_t cpu = t->cpu > t->baseline ? t->cpu - t->baseline : 0;

	t->baseline += cpu;
	*left_out = t->left_out < cpu ? t->left_out : cpu;
	t->left_out = 0;
	return cpu - *left_out;
}

/* Where the threads that stay will be; GONE for the others. */
#define GONE UINT32_MAX

static uint32_t *new_places(const struct known_threads *k, uint32_t interval)
{
	uint32_t *places = malloc((k->n + 1) * sizeof(*places)), kept = 0;

	for (uint32_t i = 0; places && i < k->n; i++) {
		int goes = k->v[i].has_ended && k->v[i].ended_in <= interval;
		places[i] = goes ? GONE : kept++;
	}
	return places;
}

int known_threads_forget(struct known_threads *k, uint32_t interval)
{
	uint32_t *places = new_places(k, interval);
	uint32_t n = k->n, n_serials = k->n_serials;
	int error = 0;

	if (!places)
		return -ENOMEM;
	k->n = k->n_serials = 0;
	index_fini(&k->by_serial);
	for (uint32_t i = 0; i < n; i++)
		if (places[i] != GONE)
			k->v[k->n++] = k->v[i];
		else
			last_stack_fini(&k->v[i].stack);
	for (uint32_t i = 0; i < n_serials && !error; i++) {
		struct known_serial *s = &k->serials[i];
		if (places[s->thread] != GONE)
			error = add_serial(k, s->serial, places[s->thread]);
	}
	free(places);
	return error;
}
