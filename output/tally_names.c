/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/path.h"
#include "base/sorted.h"
#include "output/tally_names.h"

typedef Perftools__Profiles__Profile Profile;

/* --- ids ---------------------------------------------------------------------------------- */

/* Ids of foreign profiles are any numbers but 0. */
struct ids {
	uint64_t *v; /* ascending; NULL: 1..n */
	uint32_t *at;
	size_t n;
};

struct id_at {
	uint64_t id;
	uint32_t at;
};

static int by_id(const void *a, const void *b)
{
	const struct id_at *x = a, *y = b;

	int order = sorted_order(x->id, y->id);

	return order ? order : sorted_order(x->at, y->at);
}

/* id_of: the id of the element of that number. */
static int ids_init(struct ids *ids, const Profile *p, size_t n,
	uint64_t (*id_of)(const Profile *p, size_t number))
{
	size_t i;

	*ids = (struct ids){.n = n};
	for (i = 0; i < n && id_of(p, i) == i + 1; i++)
		;
	if (i == n)
		return 0;
	struct id_at *sorted = malloc(n * sizeof(*sorted));
	ids->v = malloc(n * sizeof(*ids->v));
	ids->at = malloc(n * sizeof(*ids->at));
	if (sorted && ids->v && ids->at) {
		for (i = 0; i < n; i++)
			sorted[i] = (struct id_at){id_of(p, i), i};
		qsort(sorted, n, sizeof(*sorted), by_id);
		for (i = 0; i < n; i++) {
			ids->v[i] = sorted[i].id;
			ids->at[i] = sorted[i].at;
		}
	}
	int error = sorted && ids->v && ids->at ? 0 : -ENOMEM;
	free(sorted);
	return error;
}

static void ids_fini(struct ids *ids)
{
	free(ids->v);
	free(ids->at);
}

static long ids_find(const uint64_t *v, const uint32_t *at, size_t n, uint64_t id)
{
	if (!v)
		return id && id <= n ? (long)(id - 1) : -1;
	uint32_t first = sorted_find(v, n, id); /* count_frames has seen to it that n fits */
	return first < n && v[first] == id ? (long)at[first] : -1;
}

static uint64_t location_id(const Profile *p, size_t number)
{
	return p->location[number]->id;
}

static uint64_t function_id(const Profile *p, size_t number)
{
	return p->function[number]->id;
}

static uint64_t mapping_id(const Profile *p, size_t number)
{
	return p->mapping[number]->id;
}

long tally_names_location(const struct tally_names *names, uint64_t id)
{
	return ids_find(names->ids, names->at, names->n_locations, id);
}

/* --- texts -------------------------------------------------------------------------------- */

/* Texts before they are sorted: strings as names, strings as files (without their folders), names
 * of mappings, and the unknown. number: what becomes of each, once. */
struct raw_texts {
	const Profile *p;
	const struct tally_names *names;
	uint32_t *number;
	uint32_t *used;
	uint32_t n_used;
};

static size_t raw_count(const Profile *p)
{
	return 2 * p->n_string_table + p->n_mapping + 1;
}

static const char *raw_text(const struct raw_texts *r, uint32_t raw)
{
	size_t n = r->p->n_string_table;

	if (raw < n)
		return r->p->string_table[raw];
	if (raw < 2 * n)
		return path_base(r->p->string_table[raw - n]);
	return raw - 2 * n < r->p->n_mapping ? r->names->mappings[raw - 2 * n] : "<unknown>";
}

static int by_text(const void *a, const void *b, void *arg)
{
	return strcmp(raw_text(arg, *(const uint32_t *)a), raw_text(arg, *(const uint32_t *)b));
}

/* raw is used; its number for now is its own. */
static uint32_t use(struct raw_texts *r, uint32_t raw)
{
	if (!r->number[raw]) {
		r->number[raw] = 1;
		r->used[r->n_used++] = raw;
	}
	return raw;
}

static int ends_with(const char *name, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n >= m && !strncasecmp(name + n - m, end, m);
}

/* What a program calls to allocate in its language or by functions of its own, and that calls the
 * allocator: by the beginning, or named as such (xmalloc, g_malloc0, MemoryContextAlloc). */
static int hands_on(const char *name)
{
	static const char *const beginnings[] = {"operator new",
		"std::", "__gnu_cxx::", "alloc::", "<alloc::", "__rust_", "__rdl_", "__rg_"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return 1;
	while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	return ends_with(name, n, "alloc") || ends_with(name, n, "memalign") ||
	       ends_with(name, n, "reallocarray");
}

static int sort_texts(struct raw_texts *r, struct tally_names *names)
{
	names->texts = calloc(r->n_used + 1, sizeof(*names->texts));
	names->hands_on = calloc(r->n_used + 1, 1);
	if (!names->texts || !names->hands_on)
		return -ENOMEM;
	qsort_r(r->used, r->n_used, sizeof(*r->used), by_text, r);
	for (uint32_t i = 0; i < r->n_used; i++) {
		const char *text = raw_text(r, r->used[i]);
		if (!names->n_texts || strcmp(names->texts[names->n_texts - 1], text) != 0) {
			names->hands_on[names->n_texts] = hands_on(text);
			names->texts[names->n_texts++] = text;
		}
		r->number[r->used[i]] = names->n_texts - 1;
	}
	return 0;
}

/* --- frames ------------------------------------------------------------------------------- */

int tally_names_has(const Profile *p, int64_t id)
{
	return id >= 0 && (uint64_t)id < p->n_string_table;
}

/* pprof's: "[app]", "[[vdso]]". */
static int name_mappings(struct tally_names *names, const Profile *p)
{
	names->mappings = calloc(p->n_mapping + 1, sizeof(*names->mappings));
	for (size_t i = 0; i < p->n_mapping && names->mappings; i++) {
		if (!tally_names_has(p, p->mapping[i]->filename))
			return -EPROTO;
		const char *path = p->string_table[p->mapping[i]->filename];
		snprintf(names->mappings[i], sizeof(*names->mappings),
			*path ? "[%.255s]" : "<unknown>", path_base(path));
	}
	return names->mappings ? 0 : -ENOMEM;
}

static int count_frames(struct tally_names *names, const Profile *p)
{
	uint64_t n = 0;

	if (p->n_location > UINT32_MAX / 4 || p->n_function > UINT32_MAX / 4 ||
		raw_count(p) > UINT32_MAX / 4)
		return -E2BIG;
	names->n_locations = p->n_location;
	names->first = calloc(p->n_location + 1, sizeof(*names->first));
	if (!names->first)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_location; i++) {
		n += p->location[i]->n_line ? p->location[i]->n_line : 1;
		if (n > LIMIT_PROFILE_WORK)
			return -E2BIG;
		names->first[i + 1] = n;
	}
	names->frames = calloc(n + 1, sizeof(*names->frames));
	return names->frames ? 0 : -ENOMEM;
}

static int fill_location(struct tally_names *names, struct raw_texts *r, size_t number,
	const struct ids *functions, const struct ids *mappings)
{
	const Profile *p = r->p;
	const Perftools__Profiles__Location *l = p->location[number];
	struct tally_frame *frame = &names->frames[names->first[number]];

	if (!l->n_line) {
		long mapping = ids_find(mappings->v, mappings->at, mappings->n, l->mapping_id);
		if (mapping < 0 && l->mapping_id)
			return -EPROTO;
		uint32_t raw =
			2 * p->n_string_table + (mapping < 0 ? p->n_mapping : (size_t)mapping);
		*frame = (struct tally_frame){use(r, raw), use(r, 0), 0};
	}
	for (size_t i = 0; i < l->n_line; i++, frame++) {
		long at = ids_find(
			functions->v, functions->at, functions->n, l->line[i]->function_id);
		const Perftools__Profiles__Function *f = at < 0 ? NULL : p->function[at];
		if (!f || !tally_names_has(p, f->name) || !tally_names_has(p, f->filename))
			return -EPROTO;
		*frame = (struct tally_frame){
			use(r, f->name), use(r, p->n_string_table + f->filename), l->line[i]->line};
	}
	return 0;
}

static int fill_frames(struct tally_names *names, struct raw_texts *r)
{
	const Profile *p = r->p;
	struct ids functions, mappings = {0};
	int error = ids_init(&functions, p, p->n_function, function_id);

	if (!error)
		error = ids_init(&mappings, p, p->n_mapping, mapping_id);
	for (size_t i = 0; i < p->n_location && !error; i++)
		error = fill_location(names, r, i, &functions, &mappings);
	ids_fini(&functions);
	ids_fini(&mappings);
	names->unknown = use(r, raw_count(p) - 1);
	if (!error)
		error = sort_texts(r, names);
	if (error)
		return error;
	names->unknown = r->number[names->unknown];
	for (uint32_t i = 0; i < names->first[p->n_location]; i++) {
		names->frames[i].name = r->number[names->frames[i].name];
		names->frames[i].file = r->number[names->frames[i].file];
	}
	return 0;
}

int tally_names_init(struct tally_names *names, const Profile *p)
{
	struct raw_texts r = {p, names, NULL, NULL, 0};
	struct ids locations = {0};

	*names = (struct tally_names){0};
	int error = count_frames(names, p);
	if (!error)
		error = name_mappings(names, p);
	if (error)
		return error;
	r.number = calloc(raw_count(p), sizeof(*r.number));
	r.used = calloc(raw_count(p), sizeof(*r.used));
	error = r.number && r.used ? fill_frames(names, &r) : -ENOMEM;
	free(r.number);
	free(r.used);
	if (!error)
		error = ids_init(&locations, p, p->n_location, location_id);
	names->ids = locations.v;
	names->at = locations.at;
	return error;
}

void tally_names_fini(struct tally_names *names)
{
	free(names->texts);
	free(names->hands_on);
	free(names->frames);
	free(names->first);
	free(names->ids);
	free(names->at);
	free(names->mappings);
}
