/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/path.h"
#include "symbolize/demangle.h"
#include "symbolize/names.h"

#define NAMES_MAX (16u * 1024 * 1024)
#define PLT	  "@plt"

struct wanted {
	const struct names *names;
	const char *raw;
};

static int is_name(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !strcmp(w->names->v[position].raw, w->raw);
}

void names_init(struct names *x, enum demangle_level level)
{
	*x = (struct names){.level = level};
}

void names_fini(struct names *x)
{
	for (uint32_t i = 0; i < x->n; i++) {
		free(x->v[i].raw);
		free(x->v[i].shown);
	}
	free(x->v);
	index_fini(&x->by_raw);
	memset(x, 0, sizeof(*x));
}

static char *shown_path(const char *path)
{
	char *copy = strndup(path, LIMIT_PATH);

	if (copy)
		path_normalize(copy);
	return copy;
}

static char *shown_function(const char *raw, enum demangle_level level)
{
	size_t n = strlen(raw), stub = strlen(PLT);
	char *name = demangle(raw, level), *with_plt;

	if (!name || level == DEMANGLE_NONE || n <= stub || strcmp(raw + n - stub, PLT) != 0)
		return name;
	/* demangle took it for a symbol version. */
	if (asprintf(&with_plt, "%s" PLT, name) < 0)
		with_plt = NULL;
	free(name);
	return with_plt;
}

/* Paths and functions share the table: a path has a slash or is no linkage name, so what is shown
 * for it is looked up under a key of its own. */
static const struct name *look_up(struct names *x, const char *raw, int is_path)
{
	struct wanted wanted = {x, raw};
	uint64_t hash = hash_bytes(raw, strlen(raw)) ^ (is_path ? 0x5bd1e995u : 0);
	long found = index_find(&x->by_raw, hash, is_name, &wanted);

	if (found >= 0)
		return &x->v[found];
	if (list_room(&x->v, x->n, 1, &x->room, sizeof(*x->v), NAMES_MAX) < 0)
		return NULL;
	struct name name = {strdup(raw), is_path ? shown_path(raw) : shown_function(raw, x->level)};
	if (!name.raw || !name.shown || index_add(&x->by_raw, hash, x->n) < 0) {
		free(name.raw);
		free(name.shown);
		return NULL;
	}
	x->bytes += strlen(name.raw) + strlen(name.shown) + 2;
	x->v[x->n] = name;
	return &x->v[x->n++];
}

const struct name *names_function(struct names *x, const char *linkage_name, int is_plt)
{
	const char *version = strchr(linkage_name, '@');
	int n = version > linkage_name ? version - linkage_name : -1;
	char *key;

	if (!is_plt && n < 0)
		return look_up(x, linkage_name, 0);
	if (asprintf(&key, "%.*s%s", n, linkage_name, is_plt ? PLT : "") < 0)
		return NULL;
	const struct name *name = look_up(x, key, 0);
	free(key);
	return name;
}

const char *names_path(struct names *x, const char *directory, const char *path)
{
	char joined[LIMIT_PATH];

	if (directory && *directory && *path != '/' &&
		snprintf(joined, sizeof(joined), "%s/%s", directory, path) < (int)sizeof(joined))
		path = joined;
	const struct name *name = look_up(x, path, 1);
	return name ? name->shown : NULL;
}
