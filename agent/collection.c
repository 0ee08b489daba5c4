/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collection.h"
#include "agent/tracer/stats.h"
#include "base/hash.h"
#include "base/list.h"

int collection_init(struct collection *c)
{
	memset(c, 0, sizeof(*c));
	int error = heap_record_init(&c->heap);
	return error ? error : interval_init(&c->intervals[0], 0);
}

static void module_fini(struct module *m)
{
	free(m->info.path);
	free(m->allocator);
	if (m->fd >= 0)
		close(m->fd);
	if (m->perf_map.fd >= 0)
		close(m->perf_map.fd);
}

void collection_fini(struct collection *c)
{
	for (uint32_t i = 0; i < c->n_modules; i++)
		module_fini(&c->modules[i]);
	for (int i = 0; i < 2; i++)
		interval_fini(&c->intervals[i]);
	heap_record_fini(&c->heap);
	generations_fini(&c->maps);
	known_threads_fini(&c->threads);
	for (uint32_t i = 0; i < c->n_processes; i++)
		free(c->processes[i].command);
	free(c->processes);
	free(c->modules);
	free(c->number_module);
	free(c->segments);
	index_fini(&c->by_segment);
	memset(c, 0, sizeof(*c));
}

struct interval *collection_interval(struct collection *c, uint32_t number)
{
	struct interval *i = &c->intervals[number % 2];

	return i->number == number && i->tables[0] ? i : NULL;
}

struct interval *collection_open(struct collection *c)
{
	return &c->intervals[c->open % 2];
}

/* --- tracers and processes ---------------------------------------------------------------- */

void collection_new_tracer(struct collection *c, struct tracer_start *start)
{
	struct tracer_stats sum;

	c->is_again = c->threads.next_serial != 0;
	collection_sum(c, &sum);
	c->past = sum;
	memset(&c->now, 0, sizeof(c->now));
	c->n_numbers = 0;
	generations_abandon(&c->maps);
	start->first_serial = c->threads.next_serial;
	start->first_generation = c->last_generation;
	start->first_process = c->next_process;
	start->first_kernel = c->n_kernel;
	start->interval = c->open;
}

static int by_number(const void *a, const void *b)
{
	const struct process_info *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

struct process_info *collection_process(const struct collection *c, uint32_t number)
{
	struct process_info key = {.number = number};

	return c->n_processes ? bsearch(&key, c->processes, c->n_processes, sizeof(key), by_number)
			      : NULL;
}

const struct process_info *collection_process_of_pid(const struct collection *c, int32_t pid)
{
	for (uint32_t i = c->n_processes; i-- > 0;)
		if (c->processes[i].pid == pid)
			return &c->processes[i];
	return NULL;
}

int collection_attached(struct collection *c, const struct tracer_attached *a)
{
	struct process_info *p = collection_process(c, a->number);

	if (!p) {
		int error =
			a->number < c->next_process
				? -EPROTO
				: list_room(&c->processes, c->n_processes, 1, &c->processes_room,
					  sizeof(*c->processes), 64 * LIMIT_PROCESSES);
		if (error)
			return error;
		c->next_process = a->number + 1;
		p = &c->processes[c->n_processes++];
		*p = (struct process_info){
			.number = a->number,
			.pid = a->pid,
			.start_time = a->start_time,
			.n_threads = a->n_threads,
			.clock_begin = a->is_new ? 0 : a->clock,
			.clock = a->clock,
		};
		c->processes_seen++;
	}
	memcpy(p->comm, a->comm, sizeof(p->comm));
	p->comm[sizeof(p->comm) - 1] = '\0';
	if (!c->first.pid || c->first.number == p->number)
		c->first = *p;
	return 0;
}

int collection_processes(struct collection *c, const struct wire_message *m)
{
	const struct tracer_process *t = (const void *)m->payload;

	for (uint32_t n = m->size / sizeof(*t); n-- > 0; t++) {
		struct process_info *p = collection_process(c, t->number);
		if (!p)
			return -EPROTO;
		if (t->clock > p->clock)
			p->clock = t->clock;
		if (t->has_ended && !p->has_ended) {
			p->has_ended = 1;
			p->ended_in = c->open;
			c->processes_ended++;
		}
	}
	return 0;
}

int collection_threads(struct collection *c, const struct wire_message *m)
{
	const struct tracer_thread *t = (const void *)m->payload;
	int error = 0;

	for (uint32_t n = m->size / sizeof(*t); n-- > 0 && !error; t++) {
		struct process_info *p = collection_process(c, t->process);
		/* Of a restarted tracer's threads those that are not known were born meanwhile. */
		error = p ? known_threads_tell(&c->threads, t, p->pid, c->is_again, c->open)
			  : -EPROTO;
		if (error == 1) {
			p->threads_ended++;
			error = 0;
		}
	}
	return error;
}

int collection_service(struct collection *c, const struct wire_message *m)
{
	const struct tracer_context *t = wire_payload(m, sizeof(*t));
	struct process_info *p = t ? collection_process(c, t->process) : NULL;

	if (!t || t->len != m->size - sizeof(*t) || t->len >= sizeof(p->service))
		return -EPROTO;
	/* It may have ended meanwhile. */
	if (p) {
		memcpy(p->service, t + 1, t->len);
		p->service[t->len] = '\0';
	}
	return 0;
}

int collection_command(struct collection *c, const struct wire_message *m)
{
	const struct tracer_command *t = wire_payload(m, sizeof(*t));
	struct process_info *p = t ? collection_process(c, t->process) : NULL;

	if (!p || t->len != m->size - sizeof(*t))
		return -EPROTO;
	char *copy = malloc(t->len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, t + 1, t->len);
	free(p->command);
	p->command = copy;
	p->command_len = t->len;
	return 0;
}

int collection_stats(struct collection *c, const struct wire_message *m)
{
	const struct tracer_stats *s = wire_payload(m, sizeof(*s));

	if (!s)
		return -EPROTO;
	c->now = *s;
	return 0;
}

int collection_creations(struct collection *c, const struct tracer_creations *more)
{
	if (!more)
		return -EPROTO;
	stats_add_creations(&collection_open(c)->creations, more);
	return 0;
}

void collection_sum(const struct collection *c, struct tracer_stats *out)
{
	*out = c->past;
	stats_add(out, &c->now);
}

/* --- intervals ---------------------------------------------------------------------------- */

static int take_clocks(struct collection *c, struct interval *i)
{
	int error = 0;

	for (uint32_t n = 0; n < c->n_processes && !error; n++) {
		struct process_info *p = &c->processes[n];
		error = interval_add_process(
			i, p->pid, p->clock - p->clock_begin, p->threads_ended);
		p->clock_begin = p->clock;
		p->threads_ended = 0;
	}
	return error;
}

int collection_close(struct collection *c, uint64_t now)
{
	struct interval *i = collection_open(c);
	struct tracer_stats sum;

	if (i->ended)
		return 0;
	i->ended = now;
	for (uint32_t t = 0; t < c->threads.n; t++) {
		struct known_thread *k = &c->threads.v[t];
		uint64_t left_out, cpu = known_threads_take_cpu(k, &left_out);
		long index = interval_find(i, k->key);
		i->left_out += left_out;
		i->has_left_out |= k->is_left_out || left_out;
		if (index < 0 && cpu)
			index = interval_thread(i, k->key, &k->info);
		if (index < 0 && cpu)
			return index;
		if (index < 0)
			continue;
		i->threads[index].cpu = cpu;
		/* Its first stack may have come before an exec changed it. */
		memcpy(i->threads[index].name, k->info.name, sizeof(k->info.name));
		interval_set_life(i, index, known_threads_life(k, i->number));
	}
	int error = take_clocks(c, i);
	collection_sum(c, &sum);
	stats_subtract(&sum, &i->stats);
	i->stats = sum;
	i->clock += sum.unseen_ns;
	i->threads_ended += sum.unseen_ns != 0;
	return error;
}

int collection_open_next(struct collection *c, uint64_t now, uint64_t wall)
{
	uint32_t number = c->open + 1;
	struct interval *i = &c->intervals[number % 2];

	interval_fini(i);
	int error = interval_init(i, number);
	c->open = number;
	i->began = now;
	i->wall_began = wall;
	collection_sum(c, &i->stats);
	return error;
}

int collection_forget(struct collection *c, uint32_t interval,
	void (*forgotten)(void *arg, uint32_t process), void *arg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->n_processes; i++) {
		const struct process_info *p = &c->processes[i];
		if (!p->has_ended || p->ended_in > interval) {
			c->processes[kept++] = *p;
			continue;
		}
		generations_forget(&c->maps, p->number);
		free(p->command);
		forgotten(arg, p->number);
	}
	c->n_processes = kept;
	return known_threads_forget(&c->threads, interval);
}

/* --- stacks ------------------------------------------------------------------------------- */

static int add_stack(struct collection *c, struct worker_stack *w, const struct frame *frames)
{
	struct interval *i = collection_interval(c, w->interval);
	struct known_thread *k = known_threads_find(&c->threads, w->thread);

	if (!i || !k || !w->kinds || w->kinds >= KIND(PROFILE_KINDS) || w->end >= STACK_ENDS ||
		w->missing >= MISSING_REASONS || !w->weight || w->weight > UINT16_MAX ||
		w->looks > UINT16_MAX || w->contentions > UINT16_MAX || w->again > UINT16_MAX ||
		w->wait.kind >= WAIT_KINDS ||
		((w->kinds & KINDS_OF_HEAP) && (!w->heap.size || !w->heap.mean)))
		return -EPROTO;
	for (uint32_t f = 0; f < w->n; f++)
		if (frames[f].module > c->n_modules)
			return -EPROTO;
	long thread = interval_thread(i, k->key, &k->info);
	if (thread < 0)
		return thread;
	/* One that was not known to the interval when that was closed. */
	if (i->ended)
		interval_set_life(i, thread, known_threads_life(k, i->number));
	if (w->flags & CAPTURE_SAME)
		frames = last_stack_of(&k->stack, w);
	else if (last_stack_keep(&k->stack, w, frames) < 0)
		return -ENOMEM;
	int error = interval_add_stack(i, w, frames, thread);
	if (!error && (w->kinds & KINDS_OF_HEAP))
		error = heap_record_add(
			&c->heap, interval_stack_of(w, frames), &w->heap, w->interval);
	return error;
}

int collection_stacks(struct collection *c, const struct wire_message *m)
{
	size_t at = 0;
	int error = 0;

	while (!error && at + sizeof(struct worker_stack) <= m->size) {
		struct worker_stack w = *(const struct worker_stack *)(m->payload + at);
		uint32_t n = w.n;
		at += sizeof(w);
		if (n > LIMIT_FRAMES || at + n * sizeof(struct frame) > m->size)
			return -EPROTO;
		error = add_stack(c, &w, (const struct frame *)(m->payload + at));
		at += n * sizeof(struct frame);
	}
	return error;
}
