/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "agent/tracer/maps.h"
#include "base/limits.h"

struct cursor {
	const char *p, *end;
	int bad;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* A number in that base and the one character that must follow it. */
static uint64_t number(struct cursor *c, int base, char after)
{
	uint64_t value = 0;
	const char *begin = c->p;

	while (c->p < c->end && digit(*c->p) < base)
		value = value * base + digit(*c->p++);
	if (c->p == begin || c->p == c->end || *c->p != after)
		c->bad = 1;
	else
		c->p++;
	return value;
}

/* The path from p to end with its octal escapes resolved; NULL without memory. */
static char *unescape(const char *p, const char *end)
{
	char *path = malloc(end - p + 1), *out = path;

	if (!path)
		return NULL;
	while (p < end) {
		if (end - p >= 4 && p[0] == '\\' && digit(p[1]) < 8 && digit(p[2]) < 8 &&
			digit(p[3]) < 8) {
			*out++ = digit(p[1]) << 6 | digit(p[2]) << 3 | digit(p[3]);
			p += 4;
		} else {
			*out++ = *p++;
		}
	}
	*out = '\0';
	return path;
}

/* start-end perms offset major:minor inode   path. 1 executable, 0 not, -errno. */
static int parse_line(
	const char *p, const char *end, const struct maps_line *of, struct maps_line *out)
{
	struct cursor c = {p, end, 0};

	out->start = number(&c, 16, '-');
	out->end = number(&c, 16, ' ');
	if (c.bad || end - c.p < 5 || c.p[4] != ' ' || out->end <= out->start)
		return -EINVAL;
	int wanted = of ? c.p[0] == 'r' : c.p[2] == 'x';
	out->is_writable = c.p[1] == 'w';
	c.p += 5;
	out->offset = number(&c, 16, ' ');
	unsigned major = number(&c, 16, ':');
	unsigned minor = number(&c, 16, ' ');
	out->dev = makedev(major, minor);
	if (c.bad)
		return -EINVAL;
	out->ino = 0;
	while (c.p < end && digit(*c.p) < 10)
		out->ino = out->ino * 10 + digit(*c.p++);
	while (c.p < end && *c.p == ' ')
		c.p++;
	if (!wanted || (of && (out->dev != of->dev || out->ino != of->ino)))
		return 0;
	out->path = unescape(c.p, end);
	return out->path ? 1 : -ENOMEM;
}

static int append(struct maps_list *list, size_t *room, const struct maps_line *line)
{
	if (list->n == LIMIT_MAPPINGS)
		return -E2BIG;
	if (list->n == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct maps_line *v = realloc(list->v, more * sizeof(*v));
		if (!v)
			return -ENOMEM;
		list->v = v;
		*room = more;
	}
	list->v[list->n++] = *line;
	return 0;
}

/* What changes while it is read is told in parts, and may lie over what was told before: of it what
 * lies behind counts. Whether something is left. */
static int cut_told(struct maps_line *line, uint64_t told)
{
	if (line->end <= told)
		return 0;
	if (line->start < told) {
		line->offset += told - line->start;
		line->start = told;
	}
	return 1;
}

static int parse(const char *text, size_t n, const struct maps_line *of, struct maps_list *out)
{
	const char *end = text + n;
	size_t room = 0;
	uint64_t told = 0;
	int error = 0;

	*out = (struct maps_list){0};
	while (text < end && !error) {
		struct maps_line line = {0};
		const char *eol = memchr(text, '\n', end - text);
		if (!eol)
			eol = end;
		int kind = parse_line(text, eol, of, &line);
		int is_new = kind > 0 && cut_told(&line, told);
		error = kind < 0 ? kind : is_new ? append(out, &room, &line) : 0;
		if (error || !is_new)
			free(line.path);
		if (line.end > told)
			told = line.end;
		text = eol + 1;
	}
	if (error)
		maps_free(out);
	return error;
}

int maps_parse(const char *text, size_t n, struct maps_list *out)
{
	return parse(text, n, NULL, out);
}

int maps_parse_file(const char *text, size_t n, const struct maps_line *of, struct maps_list *out)
{
	return parse(text, n, of, out);
}

void maps_free(struct maps_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].path);
	free(list->v);
	*list = (struct maps_list){0};
}

int maps_equal(const struct maps_list *a, const struct maps_list *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct maps_line *x = &a->v[i], *y = &b->v[i];
		if (x->start != y->start || x->end != y->end || x->offset != y->offset ||
			x->dev != y->dev || x->ino != y->ino || strcmp(x->path, y->path) != 0)
			return 0;
	}
	return 1;
}
