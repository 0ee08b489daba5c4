/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/list.h"
#include "output/view_tree.h"

#define MOST (4 * LIMIT_TABLE_NODES) /* with inlined functions */

struct wanted {
	const struct view_tree *tree;
	const void *what;
};

static int is_module(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct view_module *a = &w->tree->modules[position], *b = w->what;

	return a->file == b->file && a->build_id == b->build_id;
}

static int add_module(struct view_tree *t, const struct profile_mapping *m, uint32_t mapping)
{
	const struct view_module module = {m->file, m->build_id};
	struct wanted wanted = {t, &module};
	uint64_t hash = hash_pair(m->file, m->build_id);
	long found = index_find(&t->by_module, hash, is_module, &wanted);
	int error = 0;

	if (found < 0) {
		error = index_add(&t->by_module, hash, t->n_modules);
		found = t->n_modules;
		t->modules[t->n_modules++] = module;
	}
	t->module_of[mapping] = found + 1;
	return error;
}

static int is_frame(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct view_frame *a = &w->tree->frames[position], *b = w->what;

	return a->function == b->function && a->line == b->line && a->module == b->module &&
	       a->is_inlined == b->is_inlined && a->offset == b->offset;
}

/* Its number, or -errno. */
static long frame_number(struct view_tree *t, const struct view_frame *f)
{
	struct wanted wanted = {t, f};
	uint64_t hash = hash_pair((uint64_t)f->function << 32 | f->line,
		hash_pair((uint64_t)f->module << 1 | f->is_inlined, f->offset));
	long found = index_find(&t->by_frame, hash, is_frame, &wanted);

	if (found >= 0)
		return found + 1;
	int error = list_room(&t->frames, t->n_frames, 1, &t->frames_room, sizeof(*f), MOST);
	if (!error)
		error = index_add(&t->by_frame, hash, t->n_frames);
	if (error)
		return error;
	t->frames[t->n_frames++] = *f;
	return t->n_frames;
}

static int is_node(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct view_node *a = &w->tree->nodes[position], *b = w->what;

	return a->parent == b->parent && a->frame == b->frame;
}

/* Likewise. */
static long node_number(struct view_tree *t, uint32_t parent, uint32_t frame)
{
	const struct view_node node = {parent, frame};
	struct wanted wanted = {t, &node};
	uint64_t hash = hash_pair(parent, frame);
	long found = index_find(&t->by_node, hash, is_node, &wanted);

	if (found >= 0)
		return found + 1;
	int error = list_room(&t->nodes, t->n_nodes, 1, &t->nodes_room, sizeof(node), MOST);
	if (!error)
		error = index_add(&t->by_node, hash, t->n_nodes);
	if (error)
		return error;
	t->nodes[t->n_nodes++] = node;
	return t->n_nodes;
}

static uint64_t file_offset(const struct profile *p, const struct profile_location *l)
{
	const struct profile_mapping *m = l->mapping ? &p->mappings[l->mapping - 1] : NULL;

	return m ? l->address - m->start + m->offset : l->address;
}

/* A location without a name is one frame. */
static uint32_t frame_count(const struct profile_location *l)
{
	return l->n_lines ? l->n_lines : 1;
}

static int add_location(struct view_tree *t, const struct profile *p, uint32_t number)
{
	const struct profile_location *l = &p->locations[number];
	uint32_t n = frame_count(l);

	t->first_of[number] = t->n_listed;
	for (uint32_t i = 0; i < n; i++) {
		const struct profile_line *line =
			l->n_lines ? &p->lines[l->first_line + n - 1 - i] : NULL;
		struct view_frame f = {
			.function = line ? line->function : 0,
			.line = line ? line->line : 0,
			.module = l->mapping ? t->module_of[l->mapping - 1] : 0,
			.is_inlined = i > 0,
			.offset = line ? 0 : file_offset(p, l),
		};
		long found = frame_number(t, &f);
		if (found < 0)
			return found;
		t->listed[t->n_listed++] = found;
	}
	return 0;
}

/* The sample's leaf, or -errno. */
static long add_stack(struct view_tree *t, const struct profile *p, const struct profile_sample *s)
{
	long node = 0;

	for (uint32_t i = s->n_locations; i-- > 0;) {
		uint32_t location = p->sample_locations[s->first_location + i] - 1;
		uint32_t n = frame_count(&p->locations[location]);
		for (uint32_t k = 0; k < n && node >= 0; k++)
			node = node_number(t, node, t->listed[t->first_of[location] + k]);
	}
	return node;
}

int view_tree_init(struct view_tree *t, const struct profile *p)
{
	int error = 0;

	*t = (struct view_tree){
		.modules = calloc(p->n_mappings + 1, sizeof(*t->modules)),
		.module_of = calloc(p->n_mappings + 1, sizeof(*t->module_of)),
		.leaf_of = calloc(p->n_samples + 1, sizeof(*t->leaf_of)),
		.first_of = calloc(p->n_locations + 1, sizeof(*t->first_of)),
		.listed = calloc((size_t)p->n_locations + p->n_lines + 1, sizeof(*t->listed)),
	};
	if (!t->modules || !t->module_of || !t->leaf_of || !t->first_of || !t->listed)
		error = -ENOMEM;
	for (uint32_t i = 0; i < p->n_mappings && !error; i++)
		error = add_module(t, &p->mappings[i], i);
	for (uint32_t i = 0; i < p->n_locations && !error; i++)
		error = add_location(t, p, i);
	for (uint32_t i = 0; i < p->n_samples && !error; i++) {
		long leaf = add_stack(t, p, &p->samples[i]);
		error = leaf < 0 ? leaf : 0;
		t->leaf_of[i] = leaf < 0 ? 0 : leaf;
	}
	return error;
}

void view_tree_fini(struct view_tree *t)
{
	index_fini(&t->by_module);
	index_fini(&t->by_frame);
	index_fini(&t->by_node);
	free(t->modules);
	free(t->module_of);
	free(t->frames);
	free(t->nodes);
	free(t->leaf_of);
	free(t->first_of);
	free(t->listed);
}
