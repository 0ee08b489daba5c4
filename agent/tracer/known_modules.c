/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tracer/known_modules.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/list.h"

static void known_module_fini(struct known_module *m)
{
	free(m->path);
	free(m->go);
}

void known_modules_fini(struct known_modules *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		known_module_fini(&k->v[i]);
	free(k->v);
	index_fini(&k->by_key);
	roots_fini(&k->roots);
	*k = (struct known_modules){0};
}

int known_modules_is_vdso(const struct maps_line *line)
{
	return !line->ino && !strcmp(line->path, "[vdso]");
}

const struct root *known_modules_root(const struct known_modules *k, uint32_t number)
{
	uint32_t root = number && number <= k->n ? k->v[number - 1].root : 0;

	return root ? &k->roots.v[root - 1] : NULL;
}

int known_modules_has_no_file(const struct maps_line *line)
{
	/* mmap(2) of shared anonymous memory; PHP keeps its code in such. */
	return line->ino ? !strcmp(line->path, "/dev/zero (deleted)")
			 : !known_modules_is_vdso(line);
}

struct wanted_module {
	const struct known_modules *known;
	struct known_module key;
};

static int is_same(const void *arg, uint32_t position)
{
	const struct wanted_module *w = arg;
	const struct known_module *a = &w->known->v[position], *b = &w->key;

	return a->dev == b->dev && a->ino == b->ino && a->process == b->process &&
	       !strcmp(a->path, b->path);
}

static struct wanted_module wanted_of(
	const struct known_modules *k, const struct maps_line *line, uint32_t process)
{
	int is_own = known_modules_has_no_file(line);

	return (struct wanted_module){
		k, {line->dev, line->ino, is_own ? process : 0, 0, 0, line->path, NULL}};
}

static uint64_t hash_of(const struct wanted_module *w)
{
	const struct known_module *m = &w->key;

	return hash_pair(
		hash_bytes(m->path, strlen(m->path)) ^ m->dev, m->ino ^ (uint64_t)m->process << 32);
}

uint32_t known_modules_find(
	const struct known_modules *k, const struct maps_line *line, uint32_t process)
{
	struct wanted_module w = wanted_of(k, line, process);

	return index_find(&k->by_key, hash_of(&w), is_same, &w) + 1;
}

uint32_t known_modules_number(
	struct known_modules *k, const struct maps_line *line, uint32_t process, int *is_new)
{
	struct wanted_module w = wanted_of(k, line, process);
	uint32_t found = known_modules_find(k, line, process);

	*is_new = 0;
	if (found)
		return found;
	uint64_t hash = hash_of(&w);
	w.key.is_jit = known_modules_has_no_file(line) && strcmp(line->path, "[vsyscall]") != 0 &&
		       strcmp(line->path, KNOWN_MODULES_PROBE) != 0;
	w.key.path = strdup(line->path);
	if (!w.key.path || list_room(&k->v, k->n, 1, &k->room, sizeof(*k->v), LIMIT_MODULES) < 0 ||
		index_add(&k->by_key, hash, k->n) < 0) {
		free(w.key.path);
		return 0;
	}
	k->v[k->n++] = w.key;
	*is_new = 1;
	return k->n;
}

int known_modules_set_go(struct known_modules *k, const struct tracer_go *go)
{
	if (!go->number || go->number > k->n)
		return -EINVAL;
	struct known_module *m = &k->v[go->number - 1];
	if (!m->go)
		m->go = malloc(sizeof(*m->go));
	if (!m->go)
		return -ENOMEM;
	*m->go = *go;
	return 0;
}
