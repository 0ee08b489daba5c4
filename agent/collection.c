/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collection.h"
#include "agent/tracer/module_file.h"
#include "agent/tracer/stats.h"
#include "base/hash.h"
#include "base/list.h"

int collection_init(struct collection *c)
{
	memset(c, 0, sizeof(*c));
	return interval_init(&c->intervals[0], 0);
}

static void module_fini(struct module *m)
{
	free(m->info.path);
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
	generations_fini(&c->maps);
	known_threads_fini(&c->threads);
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
		const struct process_info *p = collection_process(c, t->process);
		/* Of a restarted tracer's threads those that are not known were born meanwhile. */
		error = p ? known_threads_tell(&c->threads, t, p->pid, c->is_again, c->open)
			  : -EPROTO;
		if (error == 1) {
			collection_open(c)->threads_ended++;
			error = 0;
		}
	}
	return error;
}

int collection_stats(struct collection *c, const struct wire_message *m)
{
	const struct tracer_stats *s = wire_payload(m, sizeof(*s));

	if (!s)
		return -EPROTO;
	c->now = *s;
	return 0;
}

void collection_sum(const struct collection *c, struct tracer_stats *out)
{
	*out = c->past;
	stats_add(out, &c->now);
}

/* --- intervals ---------------------------------------------------------------------------- */

static uint64_t take_clocks(struct collection *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->n_processes; i++) {
		struct process_info *p = &c->processes[i];
		sum += p->clock - p->clock_begin;
		p->clock_begin = p->clock;
	}
	return sum;
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
		uint64_t cpu = known_threads_take_cpu(k);
		long index = interval_find(i, k->key);
		if (index < 0 && cpu)
			index = interval_thread(i, k->key, &k->info);
		if (index < 0 && cpu)
			return index;
		if (index < 0)
			continue;
		i->threads[index].cpu = cpu;
		/* Its first stack may have come before an exec changed it. */
		memcpy(i->threads[index].name, k->info.name, sizeof(k->info.name));
		i->threads[index].is_brief = known_threads_is_brief(k, i->number);
	}
	i->clock = take_clocks(c);
	collection_sum(c, &sum);
	stats_subtract(&sum, &i->stats);
	i->stats = sum;
	i->clock += sum.unseen_ns;
	i->threads_ended += sum.unseen_ns != 0;
	return 0;
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
		forgotten(arg, p->number);
	}
	c->n_processes = kept;
	return known_threads_forget(&c->threads, interval);
}

/* --- modules and mappings ----------------------------------------------------------------- */

static int known_module(const struct collection *c, const struct tracer_module *t, const char *path)
{
	/* Memory without a file is each tracer's own; the kernel's image is one for all. */
	if (t->flags & MODULE_NO_FILE)
		return 0;
	for (uint32_t i = c->n_modules; i-- > 0;) {
		const struct module_info *info = &c->modules[i].info;
		if (info->dev == t->dev && info->ino == t->ino && !strcmp(info->path, path))
			return i + 1;
	}
	return 0;
}

/* The path as the target knew it; the kernel's mark of an unlinked file is no part of it. Only a
 * file that is gone under that very name loses the mark: the tracer saw it by device and inode. */
static char *clean_path(const char *text, size_t n)
{
	return strndup(text, module_file_name(text, n));
}

static int add_module(struct collection *c, const struct tracer_module *t, char *path, int fd)
{
	int error = list_room(
		&c->modules, c->n_modules, 1, &c->modules_room, sizeof(*c->modules), LIMIT_MODULES);

	if (error)
		return error;
	c->modules[c->n_modules++] = (struct module){
		.info = {.path = path, .flags = t->flags, .dev = t->dev, .ino = t->ino},
		.fd = fd,
		.perf_map = {.fd = -1},
	};
	return c->n_modules;
}

int collection_module(struct collection *c, struct wire_message *m, int *is_new)
{
	const struct tracer_module *t = wire_payload(m, sizeof(*t));

	*is_new = 0;
	if (!t || t->path_len != m->size - sizeof(*t) || t->number != c->n_numbers + 1)
		return -EPROTO;
	char *path = clean_path((const char *)(t + 1), t->path_len);
	int error = path ? list_room(&c->number_module, c->n_numbers, 1, &c->numbers_room,
				   sizeof(*c->number_module), LIMIT_MODULES)
			 : -ENOMEM;
	int id = error ? error : known_module(c, t, path);
	if (!id) {
		id = add_module(c, t, path, m->fd);
		if (id > 0) {
			*is_new = 1;
			m->fd = -1;
			path = NULL;
		}
	}
	free(path);
	/* The tracer's next number follows this one, whether it got an id or not. */
	if (!error)
		c->number_module[c->n_numbers++] = id > 0 ? id : 0;
	return id;
}

struct wanted_segment {
	const struct collection *collection;
	const struct mapping *mapping;
};

static int is_segment(const void *arg, uint32_t position)
{
	const struct wanted_segment *w = arg;
	const struct segment *s = &w->collection->segments[position];
	const struct mapping *m = w->mapping;

	return s->module == m->module && s->start == m->start && s->offset == m->offset &&
	       s->end == m->end;
}

/* Kept for the file's table of mappings. A program that maps code without end fills it: then new
 * places have no entry there, and are counted, but are unwound like all others. */
static void add_segment(struct collection *c, const struct mapping *m)
{
	struct wanted_segment wanted = {c, m};
	uint64_t hash = hash_pair(m->start ^ m->offset, m->end ^ (uint64_t)m->module << 48);

	if (index_find(&c->by_segment, hash, is_segment, &wanted) >= 0)
		return;
	if (list_room(&c->segments, c->n_segments, 1, &c->segments_room, sizeof(*c->segments),
		    LIMIT_MAPPINGS) < 0 ||
		index_add(&c->by_segment, hash, c->n_segments) < 0) {
		c->segments_lost++;
		return;
	}
	c->segments[c->n_segments++] = (struct segment){m->start, m->end, m->offset, m->module};
}

/* Numbers are shown as addresses there, at the kernel's usual place. */
int collection_add_kernel(struct collection *c)
{
	const struct tracer_module kernel = {.flags = MODULE_KERNEL};
	const uint64_t place = 0xffffffff81000000;
	char *path = strdup("[kernel.kallsyms]");
	int id = path ? add_module(c, &kernel, path, -1) : -ENOMEM;

	if (id < 0) {
		free(path);
		return id;
	}
	add_segment(c, &(struct mapping){place, place + LIMIT_KERNEL_NAMES, 0, id, 0});
	return id == KERNEL_MODULE ? 0 : -EEXIST;
}

/* The tracer's numbers become ids; a module without one has no mapping either. How many are left,
 * or -EPROTO. */
static int translate(
	struct collection *c, const struct mapping *from, uint32_t n, struct mapping *to)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!from[i].module || from[i].module > c->n_numbers)
			return -EPROTO;
		uint32_t id = c->number_module[from[i].module - 1];
		if (!id)
			continue;
		to[kept] = from[i];
		to[kept].module = id;
		add_segment(c, &to[kept++]);
	}
	return kept;
}

int collection_maps(struct collection *c, const struct wire_message *m, const struct maps **out)
{
	static struct mapping room[LIMIT_MESSAGE / sizeof(struct mapping)];
	const struct maps_part *part = wire_payload(m, sizeof(*part));

	if (!part || m->size != sizeof(*part) + part->n * sizeof(struct mapping))
		return -EPROTO;
	struct maps_part own = *part;
	int n = translate(c, (const struct mapping *)(part + 1), part->n, room);
	if (n < 0)
		c->maps.failed = 1;
	own.n = n < 0 ? 0 : n;
	int done = generations_add(&c->maps, &own, room);
	*out = generations_last(&c->maps);
	if (done == 1)
		c->last_generation = own.generation;
	return n < 0 ? n : done;
}

/* --- stacks ------------------------------------------------------------------------------- */

static int add_stack(struct collection *c, struct worker_stack *w, const struct frame *frames)
{
	struct interval *i = collection_interval(c, w->interval);
	struct known_thread *k = known_threads_find(&c->threads, w->thread);

	if (!i || !k || !w->kinds || w->kinds >= KIND(PROFILE_KINDS) || w->end >= STACK_ENDS ||
		w->missing >= MISSING_REASONS || !w->weight || w->weight > UINT16_MAX ||
		w->looks > UINT16_MAX || w->contentions > UINT16_MAX || w->wait.kind >= WAIT_KINDS)
		return -EPROTO;
	for (uint32_t f = 0; f < w->n; f++)
		if (frames[f].module > c->n_modules)
			return -EPROTO;
	long thread = interval_thread(i, k->key, &k->info);
	if (thread < 0)
		return thread;
	/* One that was not known to the interval when that was closed. */
	if (i->ended)
		i->threads[thread].is_brief = known_threads_is_brief(k, i->number);
	if (w->flags & CAPTURE_SAME)
		frames = last_stack_of(&k->stack, w);
	else if (last_stack_keep(&k->stack, w, frames) < 0)
		return -ENOMEM;
	return interval_add_stack(i, w, frames, thread);
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

int collection_module_info(struct collection *c, const struct worker_module_info *info)
{
	if (!info || !info->module || info->module > c->n_modules ||
		info->build_id_len > sizeof(info->build_id))
		return -EPROTO;
	struct module *m = &c->modules[info->module - 1];
	m->has = info->has;
	/* A debug file that came later gives what was missing. */
	m->info.flags = (m->info.flags & ~MODULE_LACKS) | info->flags;
	/* That of a recording stays, whatever file is there now. */
	if (!(m->info.flags & MODULE_RECORDED)) {
		m->info.build_id_len = info->build_id_len;
		memcpy(m->info.build_id, info->build_id, sizeof(info->build_id));
	}
	return 0;
}

enum blame collection_blame(struct collection *c, uint32_t id, int from_outside, int naming)
{
	if (!id || id > c->n_modules)
		return BLAME_NONE;
	struct module *m = &c->modules[id - 1];
	if (++m->deaths < 2 && from_outside)
		return BLAME_NONE;
	if (naming && !m->symtab_only) {
		m->symtab_only = 1;
		return BLAME_SYMTAB;
	}
	m->info.flags |= MODULE_BLACKLISTED;
	return BLAME_ALL;
}
