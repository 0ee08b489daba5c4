/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dump.h"
#include "agent/phases.h"
#include "base/now.h"
#include "output/dump.h"
#include "output/table.h"
#include "output/wait_kind.h"

struct page {
	const struct session *session;
	int32_t pid;
	struct dump dump;
	uint32_t *place; /* of each of the interval's threads: in dump.threads, or DUMP_NO_INDEX */
	struct module_info *modules;
	struct deadlock_edge *first, *second; /* who waits for whom, at two looks */
	uint32_t n_edges;
};

static void add_detail(struct dump_thread *t, const struct known_detail *d, uint64_t at)
{
	const struct tracer_detail *f = &d->first;

	t->moved = !!(f->flags & DETAIL_MOVED);
	t->cpu = f->cpu;
	t->runs = f->runs;
	t->idle_ns = f->idle_ns;
	t->unmoved_ns = d->is_still ? at - d->still_since : 0;
	t->wait = f->wait;
	memcpy(t->args, f->args, sizeof(t->args));
	t->left_ns = f->left_ns;
	t->fd = f->fd;
	t->fd_text = d->fd;
	t->kernel = d->kernel;
}

/* A tracer that was started again took its threads once more: the last stack counts. */
static int add_thread(void *arg, const struct table_entry *e)
{
	struct page *p = arg;
	const struct interval *i = p->session->written;
	const struct thread_info *info = &i->threads[e->thread];
	const struct known_detail *d = known_details_find(&p->session->details, i->keys[e->thread]);
	uint32_t *place = &p->place[e->thread];
	struct dump_thread t = {
		.pid = info->pid,
		.tid = info->tid,
		.name = info->name,
		.state = e->state,
		.idle_ns = DUMP_NOT_KNOWN,
		.left_ns = DUMP_NOT_KNOWN,
		.wait = {.call = -1},
		.fd = -1,
		.fd_text = "",
		.kernel = "",
	};

	if (d && d->first.interval == i->number)
		add_detail(&t, d, p->session->details.at);
	if (*place != DUMP_NO_INDEX)
		return dump_set_thread(&p->dump, *place, &t, e->frames, e->n);
	if (d && d->first.interval == i->number)
		p->n_edges += known_details_edges(
			d, t.tid, &p->first[p->n_edges], &p->second[p->n_edges]);
	*place = p->dump.n_threads;
	return dump_add_thread(&p->dump, &t, e->frames, e->n);
}

static int add_processes(struct page *p)
{
	const struct collection *c = &p->session->data;
	int error = 0;

	for (uint32_t i = 0; i < c->n_processes && !error; i++)
		if ((!p->pid || p->pid == c->processes[i].pid) &&
			(!c->processes[i].has_ended ||
				c->processes[i].ended_in >= p->session->written->number))
			error = dump_add_process(
				&p->dump, c->processes[i].pid, c->processes[i].comm);
	return error;
}

static int prepare(struct page *p)
{
	const struct collection *c = &p->session->data;
	const struct interval *i = p->session->written;

	p->place = malloc((i->n_threads + 1) * sizeof(*p->place));
	p->modules = collection_module_infos(c);
	p->first = calloc(i->n_threads + 1, sizeof(*p->first));
	p->second = calloc(i->n_threads + 1, sizeof(*p->second));
	if (!p->place || !p->modules || !p->first || !p->second)
		return -ENOMEM;
	for (uint32_t t = 0; t < i->n_threads; t++)
		p->place[t] = DUMP_NO_INDEX;
	return add_processes(p);
}

static int add_cycle(struct page *p, int32_t tid, uint32_t n)
{
	for (uint32_t i = 0; i < p->dump.n_threads; i++)
		if (p->dump.threads[i].tid == tid)
			return dump_add_cycle(&p->dump, i, n);
	return 0;
}

static int add_deadlocks(struct page *p)
{
	struct deadlocks found;
	int error = deadlocks_find(p->first, p->n_edges, p->second, p->n_edges, &found);

	for (uint32_t i = 0; i < found.n && !error; i++) {
		uint32_t begin = i ? found.ends[i - 1] : 0;
		error = add_cycle(p, found.members[begin].waiter, found.ends[i] - begin);
	}
	deadlocks_fini(&found);
	return error;
}

/* After the names on the stacks told what kind of lock it is. */
static void name_locks(struct page *p)
{
	for (uint32_t i = 0; i < p->dump.n_threads; i++) {
		struct dump_thread *t = &p->dump.threads[i];
		if (t->wait.lock)
			t->lock = locks_name(&p->session->locks, t->pid,
				wait_kind_lock(t->wait.kind, t->wait.lock));
	}
}

static int fill(struct page *p)
{
	const struct session *s = p->session;
	const struct interval *i = s->written;
	int error = prepare(p);

	if (!error)
		error = table_each(i->tables[PROFILE_THREADS], add_thread, p);
	/* Where clients ask, one knows nothing of the other's. */
	p->dump.number = s->options->serves ? 0 : i->number;
	p->dump.since_ns = s->options->serves ? 0 : i->ended - i->began;
	p->dump.time = clock_wall() - (clock_now() - i->ended);
	p->dump.took_ns = clock_now() - s->asked_at;
	p->dump.stops = i->stats.stops;
	p->dump.lost = interval_lost(i, PROFILE_THREADS);
	if (!error)
		error = dump_finish(&p->dump, s->symbols, p->modules, s->data.n_modules);
	name_locks(p);
	return error ? error : add_deadlocks(p);
}

static int write_page(const struct page *p, enum format format, struct buf *out)
{
	switch (format) {
	case FORMAT_JSON:
		return dump_json(&p->dump, out);
	case FORMAT_GOROUTINE:
		return dump_goroutine(&p->dump, out);
	default:
		return dump_text(&p->dump, out);
	}
}

long dump_page(struct session *s, enum format format, int32_t pid, struct buf *out)
{
	struct page p = {.session = s, .pid = pid};
	int error = fill(&p);

	if (!error)
		error = write_page(&p, format, out);
	long n = p.dump.n_threads;
	dump_fini(&p.dump);
	free(p.place);
	free(p.modules);
	free(p.first);
	free(p.second);
	if (!error)
		error = known_details_forget(&s->details, s->written->number);
	return error ? error : n;
}
