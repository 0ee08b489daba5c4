/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's modules, and where they are mapped.
 */
#include <errno.h>
#include <string.h>
#include <stdlib.h>

#include "agent/collection.h"
#include "agent/tracer/module_file.h"
#include "base/hash.h"
#include "base/list.h"

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

int collection_is_mapped(const struct collection *c, uint32_t module)
{
	const struct maps *maps = generations_newest(&c->maps, c->first.number);

	for (uint32_t i = 0; maps && i < maps->n; i++)
		if (maps->v[i].module == module)
			return 1;
	return 0;
}

uint32_t collection_number(const struct collection *c, uint32_t module)
{
	for (uint32_t i = 0; i < c->n_numbers; i++)
		if (c->number_module[i] == module)
			return i + 1;
	return 0;
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

struct module_info *collection_module_infos(const struct collection *c)
{
	struct module_info *v = calloc(c->n_modules + 1, sizeof(*v));

	for (uint32_t m = 0; v && m < c->n_modules; m++)
		v[m] = c->modules[m].info;
	return v;
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
