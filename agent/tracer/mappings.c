/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/mappings.h"
#include "agent/tracer/memory_image.h"
#include "agent/tracer/module_file.h"
#include "base/wire.h"

#define PART 1024u /* mappings in one message */

_Static_assert(sizeof(struct maps_part) + PART * sizeof(struct mapping) <= LIMIT_MESSAGE, "fits");

void mappings_init(struct mappings *m, const struct target *target, uint32_t process,
	struct known_modules *known, uint32_t *next_generation, int sock)
{
	*m = (struct mappings){
		.target = target,
		.known = known,
		.next_generation = next_generation,
		.process = process,
		.sock = sock,
	};
}

void mappings_fini(struct mappings *m)
{
	maps_free(&m->list);
	*m = (struct mappings){0};
}

int mappings_has_no_file(const struct mappings *m, uint64_t pc)
{
	size_t low = 0, high = m->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->list.v[middle].end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	const struct maps_line *line = low < m->list.n ? &m->list.v[low] : NULL;
	return line && pc >= line->start && known_modules_has_no_file(line);
}

static uint32_t module_flags(const struct mappings *m, const struct maps_line *line, pid_t tid)
{
	if (known_modules_is_vdso(line))
		return MODULE_FROM_MEMORY;
	if (known_modules_has_no_file(line))
		return MODULE_NO_FILE;
	return module_file_is_exe(m->target, tid, line) ? MODULE_IS_EXE : 0;
}

/* Tells session of a module; its file goes along if there is one to be had. */
static int announce(struct mappings *m, uint32_t number, const struct maps_line *line, pid_t tid)
{
	struct tracer_module msg = {
		.number = number,
		.flags = module_flags(m, line, tid),
		.dev = line->dev,
		.ino = line->ino,
		.path_len = strnlen(line->path, LIMIT_PATH),
	};
	int fd = -1;

	if (msg.flags & MODULE_FROM_MEMORY)
		fd = module_file_from_memory(tid, line);
	else if (!(msg.flags & MODULE_NO_FILE)) {
		fd = module_file_open(m->target, tid, line);
		m->known->v[number - 1].root = roots_of(&m->known->roots, m->target, tid);
	}
	if (fd < 0 && !(msg.flags & (MODULE_NO_FILE | MODULE_FROM_MEMORY))) {
		fd = memory_image(m->target, tid, line, &m->known->memory_images);
		msg.flags |= fd < 0 ? 0 : MODULE_FROM_MEMORY;
	}
	if (fd < 0 && !(msg.flags & MODULE_NO_FILE))
		msg.flags |= MODULE_REFUSED;
	int error =
		wire_send2(m->sock, TRACER_MODULE, &msg, sizeof(msg), line->path, msg.path_len, fd);
	if (fd >= 0)
		close(fd);
	return error;
}

/* The module's number, announced when it is new; 0 past the ceiling. */
static uint32_t number_of(struct mappings *m, const struct maps_line *line, pid_t tid)
{
	int is_new;
	uint32_t number = known_modules_number(m->known, line, m->process, &is_new);

	if (is_new)
		announce(m, number, line, tid);
	return number;
}

static int send_all(struct mappings *m, pid_t tid)
{
	struct mapping part[PART];
	struct maps_part head = {.generation = m->generation, .process = m->process};
	size_t i = 0;
	int error = 0;

	do {
		for (head.n = 0; head.n < PART && i < m->list.n; i++) {
			const struct maps_line *l = &m->list.v[i];
			uint32_t number = number_of(m, l, tid);
			uint64_t offset = known_modules_has_no_file(l) ? l->start : l->offset;
			if (number)
				part[head.n++] =
					(struct mapping){l->start, l->end, offset, number, 0};
		}
		head.last = i == m->list.n;
		error = wire_send2(m->sock, TRACER_MAPS, &head, sizeof(head), part,
			head.n * sizeof(*part), -1);
	} while (!error && !head.last);
	return error;
}

const struct maps_line *mappings_of(const struct mappings *m, uint32_t module, uint64_t offset)
{
	for (size_t i = 0; module && i < m->list.n; i++) {
		const struct maps_line *l = &m->list.v[i];
		if (offset >= l->offset && offset - l->offset < l->end - l->start &&
			known_modules_find(m->known, l, m->process) == module)
			return l;
	}
	return NULL;
}

static int read_list(struct mappings *m, pid_t tid, struct maps_list *out)
{
	struct buf text;

	buf_init(&text, LIMIT_MAPS_TEXT);
	int error = target_read_file(m->target, tid, "maps", &text);
	if (!error)
		error = text.len ? maps_parse(text.data, text.len, out) : -ESRCH;
	buf_fini(&text);
	return error;
}

static void name_probe(const struct mappings *m, struct maps_list *list)
{
	for (size_t i = 0; m->probe && i < list->n; i++) {
		struct maps_line *l = &list->v[i];
		char *name = l->start == m->probe ? strdup(KNOWN_MODULES_PROBE) : NULL;
		if (!name)
			continue;
		free(l->path);
		l->path = name;
	}
}

int mappings_refresh(struct mappings *m, pid_t tid)
{
	struct maps_list now = {0};
	int error = read_list(m, tid, &now);

	if (error)
		return error;
	name_probe(m, &now);
	if (m->list.v && maps_equal(&now, &m->list)) {
		maps_free(&now);
		return 0;
	}
	maps_free(&m->list);
	m->list = now;
	m->generation = ++*m->next_generation;
	error = send_all(m, tid);
	if (error)
		maps_free(&m->list); /* to be sent again */
	return error ? error : 1;
}
