/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/tracer/memory.h"
#include "agent/tracer/memory_image.h"
#include "base/buf.h"

#define CHUNK (256 * KIB)

static int read_list(
	const struct target *t, pid_t tid, const struct maps_line *of, struct maps_list *out)
{
	struct buf text;

	buf_init(&text, LIMIT_MAPS_TEXT);
	int error = target_read_file(t, tid, "maps", &text);
	if (!error)
		error = maps_parse_file(text.data, text.len, of, out);
	buf_fini(&text);
	return error;
}

/* What cannot be read stays a hole. */
static int copy(pid_t tid, const struct maps_line *line, int fd, unsigned char *room)
{
	for (uint64_t at = line->start; at < line->end; at += CHUNK) {
		size_t size = line->end - at < CHUNK ? line->end - at : CHUNK;
		long n = memory_read(tid, at, room, size);
		if (n > 0 && pwrite(fd, room, n, line->offset + (at - line->start)) != n)
			return -errno;
	}
	return 0;
}

/* Pages that two mappings share are taken from the one that the program cannot write to. */
static int copy_all(pid_t tid, const struct maps_list *list, int fd)
{
	unsigned char *room = malloc(CHUNK);
	int error = room ? 0 : -ENOMEM;

	for (int writable = 1; writable >= 0; writable--)
		for (size_t i = 0; i < list->n && !error; i++)
			if (list->v[i].is_writable == writable)
				error = copy(tid, &list->v[i], fd, room);
	free(room);
	return error;
}

/* -E2BIG: too much, or too far into a file. */
static int64_t size_of(const struct maps_list *list)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < list->n; i++) {
		sum += list->v[i].end - list->v[i].start;
		if (sum > LIMIT_MEMORY_IMAGE || list->v[i].offset > LIMIT_MODULE_BYTES / 2)
			return -E2BIG;
	}
	return sum ? (int64_t)sum : -ENOENT;
}

int memory_image(const struct target *t, pid_t tid, const struct maps_line *line, uint64_t *used)
{
	struct maps_list list;
	int error = read_list(t, tid, line, &list);

	if (error)
		return error;
	int64_t size = size_of(&list);
	if (size > 0 && *used + size > LIMIT_MEMORY_IMAGES)
		size = -E2BIG;
	int fd = size < 0 ? (int)size : memfd_create("cpprof-image", MFD_CLOEXEC);
	if (fd == -1)
		fd = -errno;
	if (fd >= 0 && (error = copy_all(tid, &list, fd)) < 0) {
		close(fd);
		fd = error;
	}
	maps_free(&list);
	if (fd >= 0)
		*used += size;
	return fd;
}
