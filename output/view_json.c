/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "config.h"
#include "output/view_json.h"
#include "output/view_tree.h"

/* Strings in the order in which the page needs them: not all of the profile's are used here. */
struct writer {
	const struct profile *p;
	struct json json;
	struct view_tree tree;
	uint32_t *number_of; /* of each string of the profile; 0: not used (but for "") */
	uint32_t *used;	     /* strings of the profile by number */
	uint32_t n_used;
};

static const char *text(const struct writer *w, uint32_t id)
{
	return strings_text(w->p->strings, id);
}

/* --- strings ------------------------------------------------------------------------------ */

static void use(struct writer *w, uint32_t id)
{
	if (!id || w->number_of[id])
		return;
	w->number_of[id] = w->n_used;
	w->used[w->n_used++] = id;
}

static int number_strings(struct writer *w)
{
	uint32_t n = strings_count(w->p->strings) + 1;

	w->number_of = calloc(n, sizeof(*w->number_of));
	w->used = calloc(n, sizeof(*w->used));
	if (!w->number_of || !w->used)
		return -ENOMEM;
	w->n_used = 1;
	for (uint32_t i = 0; i < w->p->n_mappings; i++) {
		use(w, w->p->mappings[i].file);
		use(w, w->p->mappings[i].build_id);
	}
	for (uint32_t i = 0; i < w->p->n_functions; i++) {
		use(w, w->p->functions[i].name);
		use(w, w->p->functions[i].file);
	}
	for (uint32_t i = 0; i < w->p->n_samples; i++) {
		const struct profile_sample *s = &w->p->samples[i];
		use(w, s->thread_name);
		use(w, s->state);
		use(w, s->kind);
		use(w, s->lock);
	}
	return 0;
}

static void put_strings(struct writer *w)
{
	json_array(&w->json, "strings");
	for (uint32_t i = 0; i < w->n_used; i++)
		json_string(&w->json, NULL, text(w, w->used[i]));
	json_end_array(&w->json);
}

/* --- what all of it is -------------------------------------------------------------------- */

static void put_type(struct writer *w, const struct profile_type *type)
{
	json_string(&w->json, "type", text(w, type->type));
	json_string(&w->json, "unit", text(w, type->unit));
}

static uint32_t default_type(const struct profile *p)
{
	for (uint32_t i = 0; i < p->n_types; i++)
		if (p->types[i].type == p->default_type)
			return i;
	return 0;
}

static void put_types(struct writer *w)
{
	json_array(&w->json, "types");
	for (uint32_t i = 0; i < w->p->n_types; i++) {
		json_object(&w->json, NULL);
		put_type(w, &w->p->types[i]);
		json_end_object(&w->json);
	}
	json_end_array(&w->json);
	json_number(&w->json, "default", default_type(w->p));
	json_object(&w->json, "period");
	put_type(w, &w->p->period_type);
	json_number(&w->json, "value", w->p->period);
	json_end_object(&w->json);
}

static void put_head(struct writer *w)
{
	json_number(&w->json, "version", 1);
	json_string(&w->json, "program", "cpprof-attach " PACKAGE_VERSION);
	json_string(&w->json, "kind", profile_kind_name(w->p->kind));
	put_types(w);
	json_number(&w->json, "time_ns", w->p->time);
	json_number(&w->json, "duration_ns", w->p->duration);
	json_array(&w->json, "comments");
	for (uint32_t i = 0; i < w->p->n_comments; i++)
		json_string(&w->json, NULL, text(w, w->p->comments[i]));
	json_end_array(&w->json);
}

/* --- code --------------------------------------------------------------------------------- */

static void put_modules(struct writer *w)
{
	json_array(&w->json, "modules");
	for (uint32_t i = 0; i < w->tree.n_modules; i++) {
		json_array(&w->json, NULL);
		json_number(&w->json, NULL, w->number_of[w->tree.modules[i].file]);
		json_number(&w->json, NULL, w->number_of[w->tree.modules[i].build_id]);
		json_end_array(&w->json);
	}
	json_end_array(&w->json);
}

static void put_functions(struct writer *w)
{
	json_array(&w->json, "functions");
	for (uint32_t i = 0; i < w->p->n_functions; i++) {
		const struct profile_function *f = &w->p->functions[i];
		json_array(&w->json, NULL);
		json_number(&w->json, NULL, w->number_of[f->name]);
		json_number(&w->json, NULL, w->number_of[f->file]);
		json_number(&w->json, NULL, f->start_line);
		json_end_array(&w->json);
	}
	json_end_array(&w->json);
}

static void put_frame(struct writer *w, const struct view_frame *f)
{
	char offset[32];

	json_array(&w->json, NULL);
	json_number(&w->json, NULL, f->function);
	json_number(&w->json, NULL, f->line);
	json_number(&w->json, NULL, f->module);
	json_number(&w->json, NULL, f->is_inlined);
	if (!f->function) {
		snprintf(offset, sizeof(offset), "0x%" PRIx64, f->offset);
		json_string(&w->json, NULL, offset);
	}
	json_end_array(&w->json);
}

static void put_tree(struct writer *w)
{
	const struct view_tree *t = &w->tree;

	json_array(&w->json, "frames");
	for (uint32_t i = 0; i < t->n_frames; i++)
		put_frame(w, &t->frames[i]);
	json_end_array(&w->json);
	json_object(&w->json, "nodes");
	json_array(&w->json, "parent");
	for (uint32_t i = 0; i < t->n_nodes; i++)
		json_number(&w->json, NULL, t->nodes[i].parent);
	json_end_array(&w->json);
	json_array(&w->json, "frame");
	for (uint32_t i = 0; i < t->n_nodes; i++)
		json_number(&w->json, NULL, t->nodes[i].frame);
	json_end_array(&w->json);
	json_end_object(&w->json);
}

/* --- samples ------------------------------------------------------------------------------ */

typedef uint64_t get_number(const struct writer *w, const struct profile_sample *s);

static uint64_t get_thread(const struct writer *w, const struct profile_sample *s)
{
	return w->number_of[s->thread_name];
}

static uint64_t get_state(const struct writer *w, const struct profile_sample *s)
{
	return w->number_of[s->state];
}

static uint64_t get_kind(const struct writer *w, const struct profile_sample *s)
{
	return w->number_of[s->kind];
}

static uint64_t get_lock(const struct writer *w, const struct profile_sample *s)
{
	return w->number_of[s->lock];
}

static uint64_t get_tid(const struct writer *w, const struct profile_sample *s)
{
	(void)w;
	return s->tid;
}

static uint64_t get_pid(const struct writer *w, const struct profile_sample *s)
{
	(void)w;
	return s->pid;
}

static uint64_t get_goroutine(const struct writer *w, const struct profile_sample *s)
{
	(void)w;
	return s->goroutine;
}

static const struct column {
	const char *key;
	get_number *get;
} columns[] = {{"thread", get_thread}, {"state", get_state}, {"kind", get_kind}, {"lock", get_lock},
	{"tid", get_tid}, {"pid", get_pid}, {"goroutine", get_goroutine}};

static void put_column(struct writer *w, const struct column *c)
{
	uint32_t n = w->p->n_samples, first = 0;

	while (first < n && !c->get(w, &w->p->samples[first]))
		first++;
	if (first == n)
		return;
	json_array(&w->json, c->key);
	for (uint32_t i = 0; i < n; i++)
		json_number(&w->json, NULL, c->get(w, &w->p->samples[i]));
	json_end_array(&w->json);
}

static void put_values(struct writer *w)
{
	json_array(&w->json, "values");
	for (uint32_t type = 0; type < w->p->n_types; type++) {
		json_array(&w->json, NULL);
		for (uint32_t i = 0; i < w->p->n_samples; i++)
			json_number(&w->json, NULL, w->p->samples[i].values[type]);
		json_end_array(&w->json);
	}
	json_end_array(&w->json);
}

static void put_samples(struct writer *w)
{
	json_object(&w->json, "samples");
	json_array(&w->json, "node");
	for (uint32_t i = 0; i < w->p->n_samples; i++)
		json_number(&w->json, NULL, w->tree.leaf_of[i]);
	json_end_array(&w->json);
	put_values(w);
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		put_column(w, &columns[i]);
	json_end_object(&w->json);
}

int view_json(const struct profile *p, struct buf *out)
{
	struct writer w = {.p = p, .json = {.out = out}};
	int error = number_strings(&w);

	if (!error)
		error = view_tree_init(&w.tree, p);
	if (!error) {
		json_object(&w.json, NULL);
		put_head(&w);
		put_strings(&w);
		put_modules(&w);
		put_functions(&w);
		put_tree(&w);
		put_samples(&w);
		json_end_object(&w.json);
		buf_string(out, "\n");
		error = out->failed;
	}
	view_tree_fini(&w.tree);
	free(w.number_of);
	free(w.used);
	return error;
}
