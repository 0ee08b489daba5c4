/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two growing arrays and an index for each: nodes of the trie by (parent, frame), entries by (node,
 * thread, state, wait, whether it is cut). Node 0 is the root above all root frames.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "output/table.h"

struct node {
	struct frame frame;
	uint32_t parent;
};

struct entry {
	uint64_t count, again, weight, lock, goroutine;
	uint32_t node, thread, state, wait, flags;
	uint32_t
		is_cut; /* frames towards the leaf are missing: a full table has no node for that */
};

struct table {
	struct node *nodes;
	uint32_t n_nodes, nodes_room;
	struct entry *entries;
	uint32_t n_entries, entries_room;
	struct index by_frame, by_stack;
	uint64_t overflow;
};

static uint64_t node_hash(const struct node *n)
{
	return hash_pair(n->frame.offset ^ (uint64_t)n->frame.flags << 60,
		(uint64_t)n->parent << 32 | n->frame.module);
}

static uint64_t entry_hash(const struct entry *e)
{
	return hash_pair((uint64_t)e->node << 32 | e->thread,
		((uint64_t)(e->is_cut << 16 | e->flags << 8 | e->wait) << 32 | e->state) ^
			e->lock << 8 ^ e->goroutine << 16);
}

struct wanted {
	const struct table *table;
	const void *what; /* struct node or struct entry */
};

static int is_node(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct node *a = &w->table->nodes[position], *b = w->what;

	return a->parent == b->parent && a->frame.offset == b->frame.offset &&
	       a->frame.module == b->frame.module && a->frame.flags == b->frame.flags;
}

static int is_entry(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct entry *a = &w->table->entries[position], *b = w->what;

	return a->node == b->node && a->thread == b->thread && a->state == b->state &&
	       a->wait == b->wait && a->lock == b->lock && a->flags == b->flags &&
	       a->goroutine == b->goroutine && a->is_cut == b->is_cut;
}

/* The child of parent with that frame; new if there is none. -E2BIG past the ceiling. */
static long child(struct table *t, uint32_t parent, const struct frame *frame)
{
	struct node node = {*frame, parent};
	struct wanted wanted = {t, &node};
	uint64_t hash = node_hash(&node);
	long found = index_find(&t->by_frame, hash, is_node, &wanted);

	if (found >= 0)
		return found;
	int error = list_room(
		&t->nodes, t->n_nodes, 1, &t->nodes_room, sizeof(node), LIMIT_TABLE_NODES);
	if (!error)
		error = index_add(&t->by_frame, hash, t->n_nodes);
	if (error)
		return error;
	t->nodes[t->n_nodes] = node;
	return t->n_nodes++;
}

/* The node of the leaf of these frames, leaf first, below that node, or of the last one that there
 * was room for; or -ENOMEM. */
static long insert_frames(
	struct table *t, long next, const struct frame *frames, uint32_t n, uint32_t *is_cut)
{
	long at = 0;

	while (n-- > 0 && next >= 0) {
		at = next;
		next = child(t, at, &frames[n]);
	}
	*is_cut = next == -E2BIG;
	t->overflow += *is_cut;
	return *is_cut ? at : next;
}

static long insert(struct table *t, const struct stack *stack, uint32_t *is_cut)
{
	struct frame why = {.module = 0, .offset = PSEUDO_END + stack->end};
	long root = 0;

	if ((stack->end != STACK_DONE && stack->end != STACK_NOT_READ) || !stack->n)
		root = child(t, 0, &why);
	return insert_frames(t, root, stack->v, stack->n, is_cut);
}

/* To the entry of that node: where it is, or -ENOMEM. */
static long add_at(struct table *t, long node, uint32_t is_cut, const struct table_entry *what)
{
	struct entry entry = {
		.node = node,
		.is_cut = is_cut,
		.thread = what->thread,
		.state = what->state,
		.wait = what->wait,
		.lock = what->lock,
		.flags = what->flags,
		.goroutine = what->goroutine,
	};
	struct wanted wanted = {t, &entry};
	uint64_t hash = entry_hash(&entry);

	if (node < 0)
		return node;
	long found = index_find(&t->by_stack, hash, is_entry, &wanted);
	if (found < 0) {
		if (list_room(&t->entries, t->n_entries, 1, &t->entries_room, sizeof(entry),
			    UINT32_MAX / 4) < 0 ||
			index_add(&t->by_stack, hash, t->n_entries) < 0)
			return -ENOMEM;
		t->entries[t->n_entries] = entry;
		found = t->n_entries++;
	}
	t->entries[found].count += what->count;
	t->entries[found].again += what->again;
	t->entries[found].weight += what->weight;
	return found;
}

long table_place_entry(struct table *t, const struct stack *stack, const struct table_entry *what)
{
	uint32_t is_cut;
	long node = insert(t, stack, &is_cut);

	return add_at(t, node, is_cut, what);
}

int table_add_entry(struct table *t, const struct stack *stack, const struct table_entry *what)
{
	long place = table_place_entry(t, stack, what);

	return place < 0 ? place : 0;
}

int table_copy_entry(struct table *t, const struct table_entry *from)
{
	const struct frame *frames = from->frames;
	uint32_t is_cut, n = from->n;
	int was_cut = n && !frames[0].module && frames[0].offset == PSEUDO_TABLE_FULL;
	long node = insert_frames(t, 0, frames + was_cut, n - was_cut, &is_cut);

	t->overflow += was_cut && !is_cut;
	long place = add_at(t, node, is_cut || was_cut, from);

	return place < 0 ? place : 0;
}

int table_add(
	struct table *t, const struct stack *stack, uint32_t thread, uint32_t state, uint64_t count)
{
	struct table_entry what = {
		.thread = thread, .state = state, .count = count, .weight = count};

	return table_add_entry(t, stack, &what);
}

struct table *table_new(void)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t && list_room(&t->nodes, 0, 1, &t->nodes_room, sizeof(*t->nodes), 1024) == 0) {
		t->nodes[t->n_nodes++] = (struct node){.parent = 0};
		return t;
	}
	table_free(t);
	return NULL;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->entries);
	index_fini(&t->by_frame);
	index_fini(&t->by_stack);
	free(t);
}

static int by_place(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->flags > y->flags) - (x->flags < y->flags);
}

int table_each_frame(const struct table *t, int (*each)(void *arg, const struct frame *), void *arg)
{
	struct frame *v = malloc(t->n_nodes * sizeof(*v));
	int result = 0;

	if (!v)
		return -ENOMEM;
	uint32_t n = 0;
	for (uint32_t i = 1; i < t->n_nodes; i++)
		v[n++] = t->nodes[i].frame;
	qsort(v, n, sizeof(*v), by_place);
	for (uint32_t i = 0; i < n && !result; i++)
		if (!i || by_place(&v[i], &v[i - 1]) != 0)
			result = each(arg, &v[i]);
	free(v);
	return result;
}

int table_each(const struct table *t, int (*each)(void *arg, const struct table_entry *), void *arg)
{
	struct frame frames[LIMIT_FRAMES + 1];
	int result = 0;

	for (uint32_t i = 0; i < t->n_entries && !result; i++) {
		const struct entry *e = &t->entries[i];
		struct table_entry out = {
			.count = e->count,
			.again = e->again,
			.weight = e->weight,
			.thread = e->thread,
			.state = e->state,
			.wait = e->wait,
			.lock = e->lock,
			.flags = e->flags,
			.goroutine = e->goroutine,
			.frames = frames,
		};
		/* Else the last frame that was kept would be shown as the one that ran. */
		if (e->is_cut)
			frames[out.n++] = (struct frame){.offset = PSEUDO_TABLE_FULL};
		for (uint32_t at = e->node; at; at = t->nodes[at].parent)
			frames[out.n++] = t->nodes[at].frame;
		result = each(arg, &out);
	}
	return result;
}

uint64_t table_overflow(const struct table *t)
{
	return t->overflow;
}
