/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collection.h"
#include "agent/tracer/stats.h"
#include "base/hash.h"
#include "base/list.h"
#include "output/table.h"

int collection_init(struct collection *c)
{
	memset(c, 0, sizeof(*c));
	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		c->tables[kind] = table_new();
		if (!c->tables[kind])
			return -ENOMEM;
	}
	return 0;
}

static void module_fini(struct module *m)
{
	free(m->info.path);
	if (m->fd >= 0)
		close(m->fd);
	if (m->debug_fd >= 0)
		close(m->debug_fd);
}

void collection_fini(struct collection *c)
{
	for (uint32_t i = 0; i < c->n_modules; i++)
		module_fini(&c->modules[i]);
	for (uint32_t i = 0; i < GENERATIONS; i++)
		free(c->generations[i].v);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		table_free(c->tables[kind]);
	free(c->building.v);
	free(c->threads);
	free(c->baseline);
	free(c->serial_thread);
	free(c->modules);
	free(c->number_module);
	free(c->segments);
	index_fini(&c->by_segment);
	memset(c, 0, sizeof(*c));
}

void collection_new_tracer(struct collection *c, struct tracer_start *start)
{
	struct tracer_stats sum;

	collection_sum(c, &sum);
	c->past = sum;
	memset(&c->now, 0, sizeof(c->now));
	c->n_numbers = 0;
	c->building.n = 0;
	c->building_failed = 0;
	start->first_serial = c->n_serials;
	start->first_generation = c->generations[GENERATIONS - 1].number;
	start->start_time = c->attached.start_time;
}

int collection_attached(struct collection *c, const struct tracer_attached *a)
{
	if (!c->attached.pid)
		c->clock_begin = c->clock_end = a->clock;
	c->attached = *a;
	c->attached.comm[sizeof(a->comm) - 1] = '\0';
	return 0;
}

/* The thread of that identity, or a new record; its index, or -errno. */
static long thread_of(struct collection *c, const struct tracer_thread *t)
{
	/* Only a restarted tracer tells of a thread that is known: then its record is a late one.
	 */
	for (uint32_t i = c->past.threads_seen ? c->n_threads : 0; i-- > 0;)
		if (c->threads[i].tid == t->tid && c->threads[i].start_time == t->start_time)
			return i;
	uint32_t room = c->threads_room;
	int error = list_room(
		&c->threads, c->n_threads, 1, &room, sizeof(*c->threads), 64 * LIMIT_THREADS);
	if (!error)
		error = list_room(&c->baseline, c->n_threads, 1, &c->threads_room,
			sizeof(*c->baseline), 64 * LIMIT_THREADS);
	if (error)
		return error;
	int born_inside = t->is_new || c->past.threads_seen;
	c->baseline[c->n_threads] = born_inside ? 0 : t->cpu;
	c->threads[c->n_threads] = (struct thread_info){
		.tid = t->tid, .pid = c->attached.pid, .start_time = t->start_time};
	return c->n_threads++;
}

static int one_thread(struct collection *c, const struct tracer_thread *t)
{
	if (t->serial > c->n_serials)
		return -EPROTO;
	if (t->serial == c->n_serials) {
		int error = list_room(&c->serial_thread, c->n_serials, 1, &c->serials_room,
			sizeof(*c->serial_thread), 64 * LIMIT_THREADS);
		long index = error ? error : thread_of(c, t);
		if (index < 0)
			return index;
		c->serial_thread[c->n_serials++] = index;
	}
	uint32_t i = c->serial_thread[t->serial];
	struct thread_info *info = &c->threads[i];
	info->cpu = t->cpu > c->baseline[i] ? t->cpu - c->baseline[i] : 0;
	memcpy(info->name, t->name, sizeof(info->name));
	info->name[sizeof(info->name) - 1] = '\0';
	c->threads_ended += !!t->has_ended;
	return 0;
}

int collection_threads(struct collection *c, const struct wire_message *m)
{
	const struct tracer_thread *t = (const void *)m->payload;
	int error = 0;

	for (uint32_t n = m->size / sizeof(*t); n-- > 0 && !error; t++)
		error = one_thread(c, t);
	return error;
}

int collection_stats(struct collection *c, const struct wire_message *m)
{
	const struct tracer_stats *s = wire_payload(m, sizeof(*s));

	if (!s)
		return -EPROTO;
	c->now = *s;
	if (s->clock > c->clock_end)
		c->clock_end = s->clock;
	return 0;
}

void collection_sum(const struct collection *c, struct tracer_stats *out)
{
	*out = c->past;
	stats_add(out, &c->now);
}

static int known_module(const struct collection *c, const struct tracer_module *t, const char *path)
{
	if (t->flags & (MODULE_NO_FILE | MODULE_FROM_MEMORY))
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
	static const char mark[] = " (deleted)";
	size_t m = sizeof(mark) - 1;

	if (n > m && !memcmp(text + n - m, mark, m))
		n -= m;
	return strndup(text, n);
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
		.debug_fd = -1,
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

/* The tracer's numbers become ids; a module without one has no mapping either. */
static int take_mappings(struct collection *c, const struct mapping *from, uint32_t n)
{
	struct generation *g = &c->building;

	if (g->n + n > LIMIT_MAPPINGS)
		return -E2BIG;
	struct mapping *v = realloc(g->v, (g->n + n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	g->v = v;
	for (uint32_t i = 0; i < n; i++) {
		if (!from[i].module || from[i].module > c->n_numbers)
			return -EPROTO;
		uint32_t id = c->number_module[from[i].module - 1];
		if (!id)
			continue;
		v[g->n] = from[i];
		v[g->n].module = id;
		add_segment(c, &v[g->n++]);
	}
	return 0;
}

int collection_maps(struct collection *c, const struct wire_message *m, struct generation **out)
{
	const struct maps_part *part = wire_payload(m, sizeof(*part));

	if (!part || m->size != sizeof(*part) + part->n * sizeof(struct mapping))
		return -EPROTO;
	int error = take_mappings(c, (const struct mapping *)(part + 1), part->n);
	/* The rest of a broken generation is worth nothing, the next one is. */
	c->building_failed |= error < 0;
	if (!part->last)
		return error;
	int failed = c->building_failed;
	c->building_failed = 0;
	if (failed) {
		c->building.n = 0;
		return error ? error : -EPROTO;
	}
	free(c->generations[0].v);
	memmove(&c->generations[0], &c->generations[1],
		(GENERATIONS - 1) * sizeof(c->generations[0]));
	c->building.number = part->generation;
	c->generations[GENERATIONS - 1] = c->building;
	c->building = (struct generation){0};
	*out = &c->generations[GENERATIONS - 1];
	return 1;
}

static int add_stack(struct collection *c, const struct worker_stack *w, const struct frame *frames)
{
	static struct stack stack;

	if (w->kind >= PROFILE_KINDS || w->thread >= c->n_serials || w->end >= STACK_ENDS ||
		w->missing >= MISSING_REASONS || !w->weight || w->weight > UINT16_MAX)
		return -EPROTO;
	stack.n = w->n;
	stack.end = w->end;
	memcpy(stack.v, frames, w->n * sizeof(*frames));
	uint32_t guessed = 0;
	for (uint32_t i = 0; i < w->n; i++) {
		if (frames[i].module > c->n_modules)
			return -EPROTO;
		guessed |= frames[i].flags & FRAME_GUESSED;
	}
	if (w->end == STACK_NOT_READ) {
		stack.n = 1;
		stack.v[0] = (struct frame){PSEUDO_MISSING + w->missing, 0, 0};
	}
	c->received[w->kind]++;
	c->ends[w->kind][w->end]++;
	c->guessed += !!guessed;
	uint32_t state = w->kind == PROFILE_THREADS ? w->state : 0;
	return table_add_weighted(
		c->tables[w->kind], &stack, c->serial_thread[w->thread], state, 1, w->weight);
}

int collection_stacks(struct collection *c, const struct wire_message *m)
{
	size_t at = 0;
	int error = 0;

	while (!error && at + sizeof(struct worker_stack) <= m->size) {
		const struct worker_stack *w = (const void *)(m->payload + at);
		at += sizeof(*w);
		if (w->n > LIMIT_FRAMES || at + w->n * sizeof(struct frame) > m->size)
			return -EPROTO;
		error = add_stack(c, w, (const struct frame *)(m->payload + at));
		at += w->n * sizeof(struct frame);
	}
	return error;
}

int collection_module_info(struct collection *c, const struct worker_module_info *info)
{
	if (!info || !info->module || info->module > c->n_modules ||
		info->build_id_len > sizeof(info->build_id))
		return -EPROTO;
	struct module *m = &c->modules[info->module - 1];
	m->info.flags |= info->flags;
	/* That of a recording stays, whatever file is there now. */
	if (!(m->info.flags & MODULE_RECORDED)) {
		m->info.build_id_len = info->build_id_len;
		memcpy(m->info.build_id, info->build_id, sizeof(info->build_id));
	}
	m->wants_debug_file = info->wants_debug_file;
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

uint64_t collection_threads_cpu(const struct collection *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->n_threads; i++)
		sum += c->threads[i].cpu;
	return sum;
}

uint64_t collection_ended_cpu(const struct collection *c)
{
	const uint64_t slack = 20000000;
	uint64_t all = c->clock_end - c->clock_begin, seen = collection_threads_cpu(c);

	/* Without ended threads a small difference is only the time between two reads; a large one
	 * is of threads that came and went between two listings. */
	return all > seen && (c->threads_ended || all - seen > slack) ? all - seen : 0;
}
