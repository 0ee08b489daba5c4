/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/probe/place.h"
#include "agent/tracer/proc_file.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"

#define REACH PLACE_REACH
#define APART (64 * MIB) /* from what grows: the heap above, stacks and libraries below */
#define FIRST (1 * MIB)	 /* nothing is put below */
#define LAST  0x7fff00000000ull

void space_fini(struct space *p)
{
	free(p->v);
	*p = (struct space){0};
}

/* A space that changes while it is read is told in parts, and what has grown since, or has come in
 * the place of another, lies over what was told before: of it what lies behind counts. */
int space_add(struct space *p, const char *line)
{
	uint64_t told = p->n ? p->v[p->n - 1].end : 0;
	struct place at = {0};
	char rights[5] = "";
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &at.start, &at.end,
		    rights, &at.offset, &name) < 4 ||
		at.end <= at.start)
		return -EINVAL;
	if (at.end <= told)
		return 0;
	if (at.start < told) {
		at.offset += told - at.start;
		at.start = told;
	}
	at.is_readable = rights[0] == 'r';
	at.is_code = rights[2] == 'x';
	at.is_stack = name && !strcmp(line + name, "[stack]");
	at.is_anonymous = !name || !line[name];
	at.is_probe =
		name && !strncmp(line + name, "/memfd:" PLACE_NAME, strlen("/memfd:" PLACE_NAME));
	int error = list_room(&p->v, p->n, 1, &p->room, sizeof(*p->v), 1u << 20);
	if (!error)
		p->v[p->n++] = at;
	return error;
}

int space_read(struct space *p, pid_t pid)
{
	char path[32];
	struct buf text;

	p->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	int fd = proc_file_open(AT_FDCWD, path);
	if (fd < 0)
		return fd;
	buf_init(&text, LIMIT_MAPS_TEXT);
	int error = buf_read_fd(&text, fd);
	close(fd);
	char *rest = error ? NULL : (char *)buf_text(&text), *line;
	while (!error && (line = strsep(&rest, "\n")))
		if (*line)
			error = space_add(p, line);
	buf_fini(&text);
	/* A part of it is not taken for all. */
	if (error)
		p->n = 0;
	return error ? error : p->n ? 0 : -ESRCH;
}

int space_take(struct space *p, uint64_t start, uint64_t size)
{
	int error = list_room(&p->v, p->n, 1, &p->room, sizeof(*p->v), 1u << 20);
	uint32_t at = p->n;

	if (error)
		return error;
	for (; at && p->v[at - 1].start > start; at--)
		p->v[at] = p->v[at - 1];
	p->v[at] = (struct place){.start = start, .end = start + size};
	p->n++;
	return 0;
}

const struct place *space_find(const struct space *p, uint64_t address)
{
	uint32_t low = 0, high = p->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (address < p->v[middle].end)
			high = middle;
		else
			low = middle + 1;
	}
	return low < p->n && p->v[low].start <= address ? &p->v[low] : NULL;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

uint64_t space_room(const struct space *p, uint64_t low, uint64_t high, uint64_t size)
{
	uint64_t first = high > REACH + FIRST ? high - REACH : FIRST, last = low + REACH - size;
	uint64_t best = 0, best_size = 0;

	for (uint32_t i = 0; i <= p->n; i++) {
		uint64_t begin = i ? p->v[i - 1].end : 0, end = i < p->n ? p->v[i].start : LAST;
		if (end < begin + size + 2 * 4096)
			continue;
		/* The part of the gap that can be reached; the largest is taken, its middle. */
		uint64_t from = clamp(begin, first, last + size),
			 to = clamp(end, first, last + size);
		if (to - from <= size || to - from <= best_size)
			continue;
		uint64_t at = (from + (to - from - size) / 2) & -4096ull;
		uint64_t least = begin + (end - begin > 2 * APART + size ? APART : 4096);
		uint64_t most = end - (end - begin > 2 * APART + size ? APART : 4096) - size;
		at = clamp(at, least, most) & -4096ull;
		if (at < first || at > last)
			continue;
		best = at;
		best_size = to - from;
	}
	return best;
}

uint64_t space_stack_end(const struct space *p, uint64_t sp, uint64_t thread)
{
	const struct place *at = space_find(p, sp);

	if (!at)
		return sp;
	if (at->is_stack)
		return at->end;
	return sp < thread && thread < at->end ? thread : sp;
}
