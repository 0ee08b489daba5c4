/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/path.h"
#include "output/builder.h"
#include "output/pseudo.h"
#include "output/symbols.h"

#define MOST (UINT32_MAX / 4)

static void fail(struct builder *b, int error)
{
	if (!b->error)
		b->error = error;
}

uint32_t builder_string(struct builder *b, const char *text)
{
	long id = b->error ? 0 : strings_id(b->p->strings, text);

	if (id < 0)
		fail(b, id);
	return id < 0 ? 0 : id;
}

static const char *path_of(const struct module_info *m)
{
	return m->path && *m->path ? m->path : "//anon";
}

/* --- mappings ----------------------------------------------------------------------------- */

static uint32_t build_id_of(struct builder *b, const struct module_info *m)
{
	char hex[2 * sizeof(m->build_id) + 1];
	uint32_t most = sizeof(m->build_id), n = m->build_id_len < most ? m->build_id_len : most;

	return builder_string(b, hex_text(hex, m->build_id, n));
}

static uint32_t mapping_of(struct builder *b, uint32_t segment)
{
	const struct segment *s = &b->in->segments[segment];
	const struct module_info *m = &b->in->modules[s->module - 1];
	struct profile *p = b->p;

	if (b->segment_mapping[segment] || b->error)
		return b->segment_mapping[segment];
	int error = list_room(
		&p->mappings, p->n_mappings, 1, &b->mappings_room, sizeof(*p->mappings), MOST);
	if (error) {
		fail(b, error);
		return 0;
	}
	p->mappings[p->n_mappings++] = (struct profile_mapping){
		.start = s->start,
		.limit = s->end,
		.offset = m->flags & MODULE_NO_FILE ? 0 : s->offset,
		.file = builder_string(b, path_of(m)),
		.build_id = build_id_of(b, m),
	};
	return b->segment_mapping[segment] = p->n_mappings;
}

/* The newest place where that offset of the module is mapped, or -1. */
static long segment_of(const struct builder *b, const struct frame *f)
{
	for (uint32_t i = b->in->n_segments; i-- > 0;) {
		const struct segment *s = &b->in->segments[i];
		if (s->module == f->module && f->offset - s->offset < s->end - s->start)
			return i;
	}
	return -1;
}

/* --- functions and lines ------------------------------------------------------------------ */

struct wanted {
	const struct builder *b;
	const void *what;
};

static int is_function(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !memcmp(&w->b->p->functions[position], w->what, sizeof(struct profile_function));
}

static uint32_t function_number(struct builder *b, const struct profile_function *function)
{
	struct wanted wanted = {b, function};
	struct profile *p = b->p;
	uint64_t hash = hash_bytes(function, sizeof(*function));
	long found = index_find(&b->by_function, hash, is_function, &wanted);

	if (found >= 0)
		return found + 1;
	int error = list_room(
		&p->functions, p->n_functions, 1, &b->functions_room, sizeof(*p->functions), MOST);
	if (!error)
		error = index_add(&b->by_function, hash, p->n_functions);
	if (error) {
		fail(b, error);
		return 0;
	}
	p->functions[p->n_functions++] = *function;
	return p->n_functions;
}

static void add_line(struct builder *b, const struct profile_function *function, uint32_t line)
{
	struct profile *p = b->p;
	uint32_t number = function_number(b, function);

	fail(b, list_room(&p->lines, p->n_lines, 1, &b->lines_room, sizeof(*p->lines), MOST));
	if (!b->error)
		p->lines[p->n_lines++] = (struct profile_line){number, line};
}

/* A line of a function that we only have a name of our own for. */
static void add_named_line(struct builder *b, const char *name)
{
	uint32_t id = builder_string(b, name);
	struct profile_function function = {.name = id, .system_name = id};

	add_line(b, &function, 0);
}

static void add_symbol_line(struct builder *b, const struct symbol *s)
{
	const char *system_name = *s->system_name ? s->system_name : s->name;
	struct profile_function function = {
		.name = builder_string(b, *s->name ? s->name : system_name),
		.system_name = builder_string(b, system_name),
		.file = builder_string(b, s->file),
		.start_line = s->start_line,
	};

	add_line(b, &function, s->line);
}

static int is_named(const struct symbol *s)
{
	return *s->name || *s->system_name;
}

/* --- locations ---------------------------------------------------------------------------- */

static void add_code_lines(struct builder *b, const struct frame *f, struct profile_location *l)
{
	const struct module_info *m = &b->in->modules[f->module - 1];
	char name[320];
	uint32_t n;
	const struct symbol *lines = symbols_find(b->in->symbols, f->module, f->offset, &n);

	for (uint32_t i = 0; i < n; i++)
		if (is_named(&lines[i]))
			add_symbol_line(b, &lines[i]);
	if (b->p->n_lines == l->first_line && !l->mapping) {
		snprintf(name, sizeof(name), "[%.255s+0x%" PRIx64 "]", path_base(path_of(m)),
			f->offset);
		add_named_line(b, name);
	}
}

static struct profile_location make_location(struct builder *b, const struct frame *f)
{
	struct profile_location l = {.first_line = b->p->n_lines, .address = f->offset};

	if (!f->module) {
		l.address = 0;
		add_named_line(b, pseudo_name(f->offset));
	} else {
		long segment = segment_of(b, f);
		if (segment >= 0) {
			const struct segment *s = &b->in->segments[segment];
			l.mapping = mapping_of(b, segment);
			l.address = s->start + (f->offset - s->offset);
		}
		add_code_lines(b, f, &l);
	}
	l.n_lines = b->p->n_lines - l.first_line;
	return l;
}

static int is_place(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct place *a = &w->b->places[position], *b = w->what;

	return a->module == b->module && a->offset == b->offset;
}

uint32_t builder_location(struct builder *b, const struct frame *f)
{
	struct place place = {f->offset, f->module};
	struct wanted wanted = {b, &place};
	struct profile *p = b->p;
	uint64_t hash = hash_pair(f->offset, f->module);
	long found = b->error ? 0 : index_find(&b->by_place, hash, is_place, &wanted);

	if (found >= 0)
		return b->error ? 0 : found + 1;
	struct profile_location l = make_location(b, f);
	fail(b, list_room(&p->locations, p->n_locations, 1, &b->locations_room,
			sizeof(*p->locations), MOST));
	fail(b, list_room(&b->places, p->n_locations, 1, &b->places_room, sizeof(place), MOST));
	fail(b, index_add(&b->by_place, hash, p->n_locations));
	if (b->error)
		return 0;
	p->locations[p->n_locations] = l;
	b->places[p->n_locations++] = place;
	return p->n_locations;
}

/* --- the whole ---------------------------------------------------------------------------- */

void builder_complete_mappings(struct builder *b)
{
	struct profile *p = b->p;
	char name[320];

	for (uint32_t i = 0; i < p->n_locations; i++)
		if (p->locations[i].mapping && p->locations[i].n_lines) {
			struct profile_mapping *m = &p->mappings[p->locations[i].mapping - 1];
			m->has_functions = m->has_filenames = 1;
			m->has_line_numbers = m->has_inline_frames = 1;
		}
	for (uint32_t i = 0; i < p->n_locations && !b->error; i++) {
		struct profile_location *l = &p->locations[i];
		if (!l->mapping || l->n_lines || !p->mappings[l->mapping - 1].has_functions)
			continue;
		snprintf(name, sizeof(name), "[%.255s]",
			path_base(strings_text(p->strings, p->mappings[l->mapping - 1].file)));
		l->first_line = p->n_lines;
		add_named_line(b, name);
		l->n_lines = p->n_lines - l->first_line;
	}
}

static void add_executable(struct builder *b)
{
	const struct profile_input *in = b->in;

	for (uint32_t i = 0; i < in->n_segments; i++) {
		uint32_t module = in->segments[i].module;
		if (in->program ? module == in->program
				: !!(in->modules[module - 1].flags & MODULE_IS_EXE)) {
			mapping_of(b, i);
			return;
		}
	}
}

int builder_init(struct builder *b, const struct profile_input *in, struct profile *p)
{
	*b = (struct builder){.in = in, .p = p};
	b->segment_mapping = calloc(in->n_segments + 1, sizeof(*b->segment_mapping));
	if (!b->segment_mapping)
		fail(b, -ENOMEM);
	else
		add_executable(b);
	return b->error;
}

void builder_fini(struct builder *b)
{
	free(b->segment_mapping);
	free(b->places);
	index_fini(&b->by_function);
	index_fini(&b->by_place);
	index_fini(&b->by_sample);
}
