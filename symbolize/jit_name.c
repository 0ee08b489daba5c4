/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "symbolize/jit_name.h"

#define PYTHON "py::"

/* ":DIGITS" at the end of the first n bytes: where it begins, and the number; 0: none. */
static size_t number_at_end(const char *name, size_t n, uint32_t *value)
{
	size_t at = n;

	while (at && name[at - 1] >= '0' && name[at - 1] <= '9')
		at--;
	if (at == n || n - at > 9 || !at || name[at - 1] != ':')
		return 0;
	*value = 0;
	for (size_t i = at; i < n; i++)
		*value = *value * 10 + (uint32_t)(name[i] - '0');
	return at - 1;
}

static int begins(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) > n && !memcmp(p, word, n);
}

static int is_path(const char *p, const char *end)
{
	return *p == '/' || begins(p, end, "node:") || begins(p, end, "file:");
}

/* The blank between function and file: the only one, or the first that a path follows. Both may
 * have blanks of their own. */
static const char *find_blank(const char *name, const char *end)
{
	const char *blank = memchr(name, ' ', end - name), *at = blank;

	if (!blank || !memchr(blank + 1, ' ', end - blank - 1))
		return blank;
	for (; at && at + 1 < end; at = memchr(at + 1, ' ', end - at - 1))
		if (is_path(at + 1, end))
			return at;
	return NULL;
}

/* FUNCTION FILE:LINE:COLUMN, or without a column. */
static int split_v8(const char *name, size_t n, struct jit_name *out)
{
	uint32_t last = 0, line = 0;
	size_t at = number_at_end(name, n, &last), file_end = number_at_end(name, at, &line);
	int has_column = file_end != 0;

	file_end = has_column ? file_end : at;
	const char *end = name + file_end, *blank = file_end ? find_blank(name, end) : NULL;
	if (!blank || blank == name || blank + 1 >= end ||
		(!has_column && !is_path(blank + 1, end)))
		return -1;
	out->function_len = blank - name;
	out->file = blank + 1;
	out->file_len = end - out->file;
	out->start_line = has_column ? line : last;
	out->is_anonymous = memchr(":~*^+", blank[-1], 5) != NULL;
	return 0;
}

/* py::FUNCTION:FILE; a qualified name has no colons. */
static int split_python(const char *name, size_t n, struct jit_name *out)
{
	size_t mark = strlen(PYTHON);
	const char *colon;

	if (!begins(name, name + n, PYTHON))
		return -1;
	colon = memchr(name + mark, ':', n - mark);
	if (!colon || colon == name + mark || colon + 1 == name + n)
		return -1;
	out->function_len = colon - name;
	out->file = colon + 1;
	out->file_len = name + n - out->file;
	return 0;
}

/* TYPE FUNCTION(TYPE, TYPE) */
static int split_java(const char *name, size_t n, struct jit_name *out)
{
	const char *open = memchr(name, '(', n), *blank = memchr(name, ' ', n);

	if (name[n - 1] != ')' || !open || !blank || blank == name || blank + 1 >= open ||
		memchr(blank + 1, ' ', open - blank - 1) ||
		memchr(open + 1, '(', name + n - open - 1))
		return -1;
	out->function = blank + 1;
	out->function_len = open - out->function;
	out->is_typed = 1;
	return 0;
}

void jit_name_split(const char *name, size_t n, struct jit_name *out)
{
	*out = (struct jit_name){.function = name, .function_len = n};
	if (n && split_python(name, n, out) < 0 && split_v8(name, n, out) < 0)
		split_java(name, n, out);
}
