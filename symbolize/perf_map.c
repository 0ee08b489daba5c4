/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/perf_map.h"

struct line {
	uint64_t start, end;
	uint32_t order; /* in the file */
	uint32_t name;	/* where it begins in the text; up to the end of the line */
};

/* From start up to the next piece it is that line's; NO_LINE: nobody's. */
struct piece {
	uint64_t start;
	uint32_t line;
};

#define NO_LINE UINT32_MAX

struct perf_map {
	struct buf text;
	struct line *lines; /* by start */
	struct piece *pieces;
	uint32_t n_lines, n_pieces, lines_room, bad;
};

_Static_assert(LIMIT_PERF_MAP <= UINT32_MAX, "places in the text fit");
_Static_assert(2 * LIMIT_PERF_LINES < NO_LINE, "numbers of pieces fit");

/* --- text --------------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number at *p and the blanks that must follow it. */
static int take_number(const char **p, const char *end, uint64_t *out)
{
	const char *at = *p, *first;

	if (end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
		at += 2;
	*out = 0;
	for (first = at; at < end && digit(*at) >= 0; at++) {
		if (*out >> 60)
			return -1;
		*out = *out << 4 | (unsigned)digit(*at);
	}
	if (at == first || at == end || (*at != ' ' && *at != '\t'))
		return -1;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	*p = at;
	return 0;
}

/* How much of a line is name: no blanks at its end, nothing behind a NUL. */
static size_t name_length(const char *name, const char *end)
{
	size_t n = strnlen(name, end - name);

	while (n && (unsigned char)name[n - 1] <= ' ')
		n--;
	return n;
}

static int parse_line(const char *p, const char *end, const char *text, struct line *out)
{
	uint64_t size;

	if (take_number(&p, end, &out->start) < 0 || take_number(&p, end, &size) < 0 || !size ||
		__builtin_add_overflow(out->start, size, &out->end) || !name_length(p, end))
		return -1;
	out->name = p - text;
	return 0;
}

static int parse(struct perf_map *map)
{
	const char *text = map->text.data, *end = text + map->text.len, *eol;

	for (const char *p = text; p < end && (eol = memchr(p, '\n', end - p)); p = eol + 1) {
		int error = list_room(&map->lines, map->n_lines, 1, &map->lines_room,
			sizeof(*map->lines), LIMIT_PERF_LINES);
		if (error)
			return error;
		struct line *line = &map->lines[map->n_lines];
		line->order = map->n_lines;
		if (parse_line(p, eol, text, line) == 0)
			map->n_lines++;
		else
			map->bad++;
	}
	return 0;
}

/* --- pieces ------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The lines that cover the present address, a heap: the latest of them is the first. */
struct covering {
	const struct line *lines;
	uint32_t *heap, n;
};

static int is_later(const struct covering *c, uint32_t a, uint32_t b)
{
	return c->lines[c->heap[a]].order > c->lines[c->heap[b]].order;
}

static void swap(struct covering *c, uint32_t a, uint32_t b)
{
	uint32_t line = c->heap[a];

	c->heap[a] = c->heap[b];
	c->heap[b] = line;
}

static void push(struct covering *c, uint32_t line)
{
	uint32_t at = c->n++;

	c->heap[at] = line;
	for (; at && is_later(c, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(c, at, (at - 1) / 2);
}

static void pop(struct covering *c)
{
	uint32_t at = 0, child;

	c->heap[0] = c->heap[--c->n];
	while ((child = 2 * at + 1) < c->n) {
		if (child + 1 < c->n && is_later(c, child + 1, child))
			child++;
		if (!is_later(c, child, at))
			break;
		swap(c, at, child);
		at = child;
	}
}

static void add_piece(struct perf_map *map, uint64_t start, uint32_t line)
{
	if (map->n_pieces ? map->pieces[map->n_pieces - 1].line == line : line == NO_LINE)
		return;
	map->pieces[map->n_pieces++] = (struct piece){start, line};
}

/* From one address to the next at which some line begins or the one that counts ends. */
static void sweep(struct perf_map *map, struct covering *c)
{
	uint32_t i = 0;

	while (i < map->n_lines || c->n) {
		uint64_t at = UINT64_MAX;
		if (i < map->n_lines)
			at = map->lines[i].start;
		if (c->n && map->lines[c->heap[0]].end < at)
			at = map->lines[c->heap[0]].end;
		while (i < map->n_lines && map->lines[i].start == at)
			push(c, i++);
		while (c->n && map->lines[c->heap[0]].end <= at)
			pop(c);
		add_piece(map, at, c->n ? c->heap[0] : NO_LINE);
	}
}

static int cut_into_pieces(struct perf_map *map)
{
	struct covering c = {.lines = map->lines};
	int error = 0;

	if (!map->n_lines)
		return 0;
	qsort(map->lines, map->n_lines, sizeof(*map->lines), by_start);
	c.heap = malloc(map->n_lines * sizeof(*c.heap));
	map->pieces = malloc((size_t)map->n_lines * 2 * sizeof(*map->pieces));
	if (c.heap && map->pieces)
		sweep(map, &c);
	else
		error = -ENOMEM;
	free(c.heap);
	return error;
}

/* --- the whole ---------------------------------------------------------------------------- */

int perf_map_read(int fd, struct perf_map **out)
{
	struct perf_map *map = calloc(1, sizeof(*map));
	int error = map ? 0 : -ENOMEM;

	*out = NULL;
	if (map)
		buf_init(&map->text, LIMIT_PERF_MAP);
	if (!error && lseek(fd, 0, SEEK_SET) < 0)
		error = -errno;
	if (!error)
		error = buf_read_fd(&map->text, fd);
	if (!error)
		error = parse(map);
	if (!error)
		error = cut_into_pieces(map);
	if (error)
		perf_map_free(map);
	else
		*out = map;
	return error;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	buf_fini(&map->text);
	free(map->lines);
	free(map->pieces);
	free(map);
}

const char *perf_map_find(const struct perf_map *map, uint64_t address, size_t *n)
{
	uint32_t low = sorted_until(map->pieces, map->n_pieces, sizeof(*map->pieces), address);

	if (!low || map->pieces[low - 1].line == NO_LINE)
		return NULL;
	const char *name = map->text.data + map->lines[map->pieces[low - 1].line].name;
	const char *end = memchr(name, '\n', map->text.data + map->text.len - name);
	*n = name_length(name, end);
	return name;
}

uint32_t perf_map_functions(const struct perf_map *map)
{
	return map->n_lines;
}

uint32_t perf_map_bad(const struct perf_map *map)
{
	return map->bad;
}
