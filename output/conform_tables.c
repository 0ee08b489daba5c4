/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/path.h"
#include "output/conform_parts.h"

#define PAGE 4096u

struct wanted {
	const Profile *p;
	size_t number;
};

static void check_build_id(const struct conform *c, const char *id, size_t number)
{
	size_t n = strspn(id, "0123456789abcdef");

	if (id[n] || n % 2)
		conform_say(
			c, 0, "mapping %zu: build id \"%.40s\" is not lower-case hex", number, id);
}

/* A mapping with a flag is not resolved again by a consumer: all or nothing must be there. */
static void check_flags(const struct conform *c)
{
	const Profile *p = c->p;
	unsigned char *has_lines = calloc(p->n_mapping + 1, 1);

	if (!has_lines) {
		conform_say(c, 0, "not checked: no memory");
		return;
	}
	for (size_t i = 0; i < p->n_location; i++)
		if (p->location[i]->mapping_id <= p->n_mapping && p->location[i]->n_line)
			has_lines[p->location[i]->mapping_id] = 1;
	for (size_t i = 0; i < p->n_mapping; i++) {
		const Mapping *m = p->mapping[i];
		if (has_lines[i + 1] ? !m->has_functions
				     : m->has_functions || m->has_filenames ||
					       m->has_line_numbers || m->has_inline_frames)
			conform_say(c, 0, "mapping %zu: its has_ flags do not fit its locations",
				i + 1);
	}
	free(has_lines);
}

static int is_aligned(uint64_t value)
{
	return value % PAGE == 0;
}

static void check_mappings(const struct conform *c)
{
	const Profile *p = c->p;

	for (size_t i = 0; i < p->n_mapping; i++) {
		const Mapping *m = p->mapping[i];
		const char *file = conform_text(c, m->filename, "mapping", i + 1);
		const char *build_id = conform_text(c, m->build_id, "mapping", i + 1);
		if (m->id != i + 1)
			conform_say(c, 0, "mapping %zu: id %" PRIu64 ", must be %zu", i + 1, m->id,
				i + 1);
		if (m->memory_start >= m->memory_limit)
			conform_say(c, 0, "mapping %zu: empty range", i + 1);
		/* pprof takes such a one for the kernel's and looks for its _stext. */
		if (!is_aligned(m->memory_start) || !is_aligned(m->memory_limit) ||
			!is_aligned(m->file_offset))
			conform_say(c, 0,
				"mapping %zu: start, limit or offset is no multiple of %u", i + 1,
				PAGE);
		if (file && strstr(file, " (deleted)"))
			conform_say(c, 0, "mapping %zu: file name with \" (deleted)\"", i + 1);
		if (build_id)
			check_build_id(c, build_id, i + 1);
	}
}

/* Its name and build id are the title of each report. */
static void check_executable(const struct conform *c)
{
	const Profile *p = c->p;

	if (!p->n_mapping) {
		if (p->n_location)
			conform_say(c, 1, "no mapping: the executable is not known");
		return;
	}
	int64_t id = p->mapping[0]->filename;
	if (id < 0 || (uint64_t)id >= p->n_string_table)
		return;
	const char *file = p->string_table[id], *name = path_base(file);
	const char *so = strstr(name, ".so");
	if (*name == '[' || !strcmp(file, "//anon") || (so && (!so[3] || so[3] == '.')))
		conform_say(c, 1, "mapping 1: \"%.80s\" is not an executable", file);
}

static void check_location(const struct conform *c, const Location *l, size_t number)
{
	const Profile *p = c->p;

	if (l->id != number)
		conform_say(
			c, 0, "location %zu: id %" PRIu64 ", must be %zu", number, l->id, number);
	if (l->mapping_id > p->n_mapping) {
		conform_say(c, 0, "location %zu: no mapping %" PRIu64, number, l->mapping_id);
	} else if (l->mapping_id) {
		const Mapping *m = p->mapping[l->mapping_id - 1];
		if (l->address < m->memory_start || l->address >= m->memory_limit)
			conform_say(c, 0, "location %zu: address outside its mapping", number);
	}
	for (size_t i = 0; i < l->n_line; i++) {
		if (!l->line[i]->function_id || l->line[i]->function_id > p->n_function)
			conform_say(c, 0, "location %zu: no function %" PRIu64, number,
				l->line[i]->function_id);
		if (l->line[i]->line < 0)
			conform_say(c, 1, "location %zu: negative line number", number);
	}
}

static void check_functions(const struct conform *c)
{
	const Profile *p = c->p;

	for (size_t i = 0; i < p->n_function; i++) {
		const Perftools__Profiles__Function *f = p->function[i];
		if (f->id != i + 1)
			conform_say(c, 0, "function %zu: id %" PRIu64 ", must be %zu", i + 1, f->id,
				i + 1);
		const char *name = conform_text(c, f->name, "function", i + 1);
		conform_text(c, f->system_name, "function", i + 1);
		conform_text(c, f->filename, "function", i + 1);
		if (name && !*name)
			conform_say(c, 0, "function %zu: no name", i + 1);
		if (f->start_line < 0)
			conform_say(c, 1, "function %zu: negative line number", i + 1);
	}
}

/* --- what is there twice ------------------------------------------------------------------- */

static int is_same_location(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const Location *a = w->p->location[position], *b = w->p->location[w->number];

	return a->mapping_id == b->mapping_id && a->address == b->address;
}

static uint64_t location_hash(const Profile *p, size_t number)
{
	return hash_pair(p->location[number]->address, p->location[number]->mapping_id);
}

/* Without a mapping, an address says nothing: frames that are no code have none. */
static int has_place(const Profile *p, size_t number)
{
	return p->location[number]->mapping_id != 0;
}

static int is_same_function(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const Function *a = w->p->function[position], *b = w->p->function[w->number];

	return a->name == b->name && a->system_name == b->system_name &&
	       a->filename == b->filename && a->start_line == b->start_line;
}

static uint64_t function_hash(const Profile *p, size_t number)
{
	const Function *f = p->function[number];

	return hash_pair(hash_pair(f->name, f->system_name), hash_pair(f->filename, f->start_line));
}

static int is_same_string(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;

	return !strcmp(w->p->string_table[position], w->p->string_table[w->number]);
}

static uint64_t string_hash(const Profile *p, size_t number)
{
	return hash_bytes(p->string_table[number], strlen(p->string_table[number]));
}

struct kind {
	const char *name, *key;
	index_same *is_same;
	uint64_t (*hash)(const Profile *p, size_t number);
	int (*counts)(const Profile *p, size_t number); /* NULL: all do */
	size_t first;					/* number of the first in messages */
};

static void check_twice(const struct conform *c, const struct kind *kind, size_t n)
{
	struct index seen = {0};

	for (size_t i = 0; i < n; i++) {
		struct wanted wanted = {c->p, i};
		if (kind->counts && !kind->counts(c->p, i))
			continue;
		uint64_t hash = kind->hash(c->p, i);
		long before = index_find(&seen, hash, kind->is_same, &wanted);
		if (before >= 0)
			conform_say(c, 1, "%s %zu: same %s as %s %zu", kind->name, i + kind->first,
				kind->key, kind->name, before + kind->first);
		else if (index_add(&seen, hash, i) < 0) {
			conform_say(c, 0, "not checked: no memory");
			break;
		}
	}
	index_fini(&seen);
}

void conform_tables(const struct conform *c)
{
	static const struct kind strings = {"string", "text", is_same_string, string_hash, NULL, 0};
	static const struct kind locations = {
		"location", "mapping and address", is_same_location, location_hash, has_place, 1};
	static const struct kind functions = {
		"function", "names, file and start line", is_same_function, function_hash, NULL, 1};
	const Profile *p = c->p;

	check_mappings(c);
	check_executable(c);
	check_flags(c);
	for (size_t i = 0; i < p->n_location; i++)
		check_location(c, p->location[i], i + 1);
	check_functions(c);
	check_twice(c, &strings, p->n_string_table);
	check_twice(c, &locations, p->n_location);
	check_twice(c, &functions, p->n_function);
}
