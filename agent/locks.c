/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/brief.h"
#include "agent/locks.h"
#include "base/list.h"
#include "base/sorted.h"
#include "output/table.h"
#include "output/wait_kind.h"

void locks_fini(struct locks *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
	*l = (struct locks){0};
}

static int by_place(const void *a, const void *b)
{
	const struct lock_name *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return sorted_order(x->address, y->address);
}

/* Sorted, and each once. */
static void tidy(struct locks *l)
{
	uint32_t kept = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	for (uint32_t i = 0; i < l->n; i++)
		if (!kept || by_place(&l->v[i], &l->v[kept - 1]))
			l->v[kept++] = l->v[i];
	l->n = kept;
}

static uint32_t process_of(const struct session *s, int32_t pid)
{
	const struct process_info *p = collection_process_of_pid(&s->data, pid);

	return p ? p->number : UINT32_MAX;
}

static int add(struct session *s, int32_t pid, uint64_t address)
{
	struct locks *l = &s->locks;

	/* Most are met again and again. */
	if (l->n && l->v[l->n - 1].pid == pid && l->v[l->n - 1].address == address)
		return 0;
	if (!l->is_full && l->n == 2 * LIMIT_LOCKS) {
		tidy(l);
		l->is_full = l->n > LIMIT_LOCKS;
	}
	if (l->is_full)
		return 0;
	int error = list_room(&l->v, l->n, 1, &l->room, sizeof(*l->v), 2 * LIMIT_LOCKS);
	if (!error)
		l->v[l->n++] = (struct lock_name){.pid = pid, .address = address};
	return error;
}

/* Where the lock begins depends on its kind, which names may tell later. */
static int add_lock(struct session *s, int32_t pid, uint64_t lock)
{
	uint64_t barrier = wait_kind_lock(WAIT_BARRIER, lock);

	if (!lock)
		return 0;
	int error = add(s, pid, lock);
	return error || barrier == lock ? error : add(s, pid, barrier);
}

static int take_lock(void *arg, const struct table_entry *e)
{
	struct session *s = arg;

	return add_lock(s, s->written->threads[e->thread].pid, e->lock);
}

/* -dump tells of locks beside the stacks. */
static int take_details(struct session *s)
{
	const struct interval *i = s->written;
	int error = 0;

	for (uint32_t t = 0; t < i->n_threads && !error; t++) {
		const struct known_detail *d = known_details_find(&s->details, i->keys[t]);
		if (d && d->first.interval == i->number)
			error = add_lock(s, i->threads[t].pid, d->first.wait.lock);
	}
	return error;
}

int locks_collect(struct session *s)
{
	struct locks *l = &s->locks;
	int error = 0;

	locks_fini(l);
	/* What entries of heap profiles have there are sites. */
	for (int kind = 0; kind < PROFILE_KINDS && !error; kind++)
		if (KIND(kind) & KINDS_OF_LOOK)
			error = table_each(s->written->tables[kind], take_lock, s);
	if (!error && s->details.n)
		error = take_details(s);
	tidy(l);
	if (l->n > LIMIT_LOCKS)
		l->n = LIMIT_LOCKS;
	for (uint32_t i = 0; i < l->n; i++)
		l->v[i].process = i && l->v[i].pid == l->v[i - 1].pid ? l->v[i - 1].process
								      : process_of(s, l->v[i].pid);
	return error;
}

int locks_ask(struct session *s, int again)
{
	struct locks *l = &s->locks;
	uint64_t addresses[LIMIT_DATA_ASKED];

	if (!again)
		l->next += l->asked;
	l->asked = 0;
	if (l->next >= l->n)
		return 0;
	struct worker_data ask = {
		.process = l->v[l->next].process, .demangle = s->options->demangle};
	while (l->next + l->asked < l->n && l->asked < LIMIT_DATA_ASKED &&
		l->v[l->next + l->asked].process == ask.process) {
		addresses[l->asked] = l->v[l->next + l->asked].address;
		l->asked++;
	}
	ask.n = l->asked;
	brief_send(s, TO_WORKER_DATA, &ask, sizeof(ask), addresses, ask.n * sizeof(*addresses), -1);
	return 1;
}

static char *label(const char *name, uint32_t n, uint64_t offset)
{
	char *text;

	if (!offset)
		return strndup(name, n);
	return asprintf(&text, "%.*s+0x%" PRIx64, (int)n, name, offset) < 0 ? NULL : text;
}

int locks_on_names(struct session *s, const struct wire_message *m)
{
	const struct worker_data *head = wire_payload(m, sizeof(*head));
	struct locks *l = &s->locks;
	const unsigned char *p, *end = m->payload + m->size;
	struct worker_datum d;

	if (s->naming.late) {
		s->naming.late--;
		return 1;
	}
	if (!head || head->n != l->asked || !l->asked || head->process != l->v[l->next].process)
		return -EPROTO;
	p = (const unsigned char *)(head + 1);
	for (uint32_t i = 0; i < head->n; i++) {
		if ((size_t)(end - p) < sizeof(d))
			return -EPROTO;
		memcpy(&d, p, sizeof(d));
		p += sizeof(d);
		if (d.name_len > LIMIT_NAME || d.name_len > (size_t)(end - p))
			return -EPROTO;
		char **text = &l->v[l->next + i].text;
		free(*text);
		*text = d.name_len ? label((const char *)p, d.name_len, d.offset) : NULL;
		p += d.name_len;
	}
	return 0;
}

const char *locks_name(const struct locks *l, int32_t pid, uint64_t address)
{
	const struct lock_name key = {.pid = pid, .address = address};
	const struct lock_name *found =
		l->n ? bsearch(&key, l->v, l->n, sizeof(key), by_place) : NULL;

	return found ? found->text : NULL;
}
