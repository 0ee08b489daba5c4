/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/index.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/utf8.h"
#include "output/strings.h"

struct strings {
	char **v;
	uint32_t n, room;
	struct index by_text;
	size_t bytes;
};

struct wanted {
	const struct strings *strings;
	const char *text;
};

static int is_text(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !strcmp(w->strings->v[position], w->text);
}

static long add(struct strings *s, const char *text)
{
	size_t size = strlen(text) + 1;
	struct wanted wanted = {s, text};
	uint64_t hash = hash_bytes(text, size - 1);
	long found = index_find(&s->by_text, hash, is_text, &wanted);

	if (found >= 0)
		return found;
	if (size > LIMIT_STRINGS || s->bytes > LIMIT_STRINGS - size)
		return -E2BIG;
	int error = list_room(&s->v, s->n, 1, &s->room, sizeof(*s->v), UINT32_MAX / 4);
	char *copy = error ? NULL : strdup(text);
	if (!copy)
		return error ? error : -ENOMEM;
	if (index_add(&s->by_text, hash, s->n) < 0) {
		free(copy);
		return -ENOMEM;
	}
	s->v[s->n++] = copy;
	s->bytes += size;
	return s->n - 1;
}

long strings_id(struct strings *s, const char *text)
{
	struct buf fixed;
	const char *valid;
	long id = -ENOMEM;

	if (utf8_is_valid(text))
		return add(s, text);
	buf_init(&fixed, LIMIT_STRINGS);
	if (utf8_repair(text, &fixed) == 0 && (valid = buf_text(&fixed)))
		id = add(s, valid);
	else if (fixed.failed)
		id = fixed.failed;
	buf_fini(&fixed);
	return id;
}

struct strings *strings_new(void)
{
	struct strings *s = calloc(1, sizeof(*s));

	if (s && add(s, "") == 0)
		return s;
	strings_free(s);
	return NULL;
}

void strings_free(struct strings *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	index_fini(&s->by_text);
	free(s);
}

const char *strings_text(const struct strings *s, uint32_t id)
{
	return id < s->n ? s->v[id] : "";
}

uint32_t strings_count(const struct strings *s)
{
	return s->n;
}
