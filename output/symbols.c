/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "output/strings.h"
#include "output/symbols.h"

struct place {
	uint64_t offset;
	uint32_t module;
	uint32_t n;
	struct symbol *lines;
};

struct symbols {
	struct place *v;
	uint32_t n, room;
	struct index by_place;
	struct strings *strings;
};

struct wanted {
	const struct symbols *store;
	uint64_t offset;
	uint32_t module;
};

struct symbols *symbols_new(void)
{
	struct symbols *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->strings = strings_new();
	if (store->strings)
		return store;
	free(store);
	return NULL;
}

void symbols_free(struct symbols *store)
{
	if (!store)
		return;
	for (uint32_t i = 0; i < store->n; i++)
		free(store->v[i].lines);
	free(store->v);
	index_fini(&store->by_place);
	strings_free(store->strings);
	free(store);
}

static int is_place(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct place *place = &w->store->v[position];

	return place->module == w->module && place->offset == w->offset;
}

static long find(const struct symbols *store, uint32_t module, uint64_t offset)
{
	struct wanted wanted = {store, offset, module};

	return index_find(&store->by_place, hash_pair(offset, module), is_place, &wanted);
}

static int keep(struct strings *strings, const char *text, const char **out)
{
	long id = strings_id(strings, text ? text : "");

	if (id < 0)
		return id;
	*out = strings_text(strings, id);
	return 0;
}

static int copy_line(struct symbols *store, const struct symbol *from, struct symbol *to)
{
	int error = keep(store->strings, from->name, &to->name);

	if (!error)
		error = keep(store->strings, from->system_name, &to->system_name);
	if (!error)
		error = keep(store->strings, from->file, &to->file);
	to->line = from->line;
	to->start_line = from->start_line;
	return error;
}

static int copy_lines(
	struct symbols *store, const struct symbol *lines, uint32_t n, struct symbol **out)
{
	struct symbol *copy = calloc(n ? n : 1, sizeof(*copy));
	int error = copy ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !error; i++)
		error = copy_line(store, &lines[i], &copy[i]);
	if (error)
		free(copy);
	else
		*out = copy;
	return error;
}

int symbols_add(struct symbols *store, uint32_t module, uint64_t offset, const struct symbol *lines,
	uint32_t n)
{
	struct place place = {offset, module, n, NULL};
	long before = find(store, module, offset);
	int error = list_room(&store->v, store->n, 1, &store->room, sizeof(place), UINT32_MAX / 4);

	if (!error)
		error = copy_lines(store, lines, n, &place.lines);
	if (error)
		return error;
	if (before >= 0) {
		free(store->v[before].lines);
		store->v[before] = place;
		return 0;
	}
	if (index_add(&store->by_place, hash_pair(offset, module), store->n) < 0) {
		free(place.lines);
		return -ENOMEM;
	}
	store->v[store->n++] = place;
	return 0;
}

const struct symbol *symbols_find(
	const struct symbols *store, uint32_t module, uint64_t offset, uint32_t *n)
{
	long at = find(store, module, offset);

	*n = at < 0 ? 0 : store->v[at].n;
	return *n ? store->v[at].lines : NULL;
}
