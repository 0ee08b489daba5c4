/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "output/conform.h"

/* Pyroscope's default limits. */
#define STRING_MAX  65536u
#define LABELS_MAX  100u
#define DEPTH_MAX   1000u
#define SAMPLES_MAX 16000u

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;

struct conform {
	const Profile *p;
	conform_report *report;
	void *arg;
};

static void say(const struct conform *c, int warning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct conform *c, int warning, const char *format, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	c->report(c->arg, warning, line);
}

/* The string, or NULL after saying that there is none. */
static const char *text_of(const struct conform *c, int64_t id, const char *what, size_t number)
{
	if (id >= 0 && (uint64_t)id < c->p->n_string_table)
		return c->p->string_table[id];
	say(c, 0, "%s %zu: string %" PRId64 " of %zu", what, number, id, c->p->n_string_table);
	return NULL;
}

/* RFC 3629. */
static int is_utf8(const unsigned char *p)
{
	while (*p) {
		int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : -1;
		unsigned char first = *p++;
		if (more < 0 || first > 0xf4)
			return 0;
		for (int i = 0; i < more; i++, p++)
			if ((*p & 0xc0) != 0x80)
				return 0;
		if (more == 2 &&
			((first == 0xe0 && p[-2] < 0xa0) || (first == 0xed && p[-2] > 0x9f)))
			return 0;
		if (more == 3 &&
			((first == 0xf0 && p[-3] < 0x90) || (first == 0xf4 && p[-3] > 0x8f)))
			return 0;
	}
	return 1;
}

static void check_strings(const struct conform *c)
{
	const Profile *p = c->p;

	if (!p->n_string_table || *p->string_table[0])
		say(c, 0, "string 0 is not \"\"");
	for (size_t i = 0; i < p->n_string_table; i++) {
		if (!is_utf8((const unsigned char *)p->string_table[i]))
			say(c, 0, "string %zu: not valid UTF-8", i);
		if (strlen(p->string_table[i]) > STRING_MAX)
			say(c, 1, "string %zu: longer than %u bytes", i, STRING_MAX);
	}
}

static void check_types(const struct conform *c)
{
	const Profile *p = c->p;
	int default_found = !p->default_sample_type;

	if (!p->n_sample_type)
		say(c, 0, "no sample type");
	for (size_t i = 0; i < p->n_sample_type; i++) {
		const char *type = text_of(c, p->sample_type[i]->type, "sample type", i);
		text_of(c, p->sample_type[i]->unit, "sample type", i);
		if (type && !*type)
			say(c, 0, "sample type %zu: no name", i);
		if (type && strchr(type, '-'))
			say(c, 0, "sample type %zu: \"%.40s\" has a '-'", i, type);
		default_found |= p->sample_type[i]->type == p->default_sample_type;
	}
	if (!default_found)
		say(c, 0, "the default sample type is none of the sample types");
}

static void check_header(const struct conform *c)
{
	const Profile *p = c->p;

	if (!p->period_type)
		say(c, 0, "no period type");
	else {
		const char *type = text_of(c, p->period_type->type, "period type", 0);
		text_of(c, p->period_type->unit, "period type", 0);
		if (type && !*type)
			say(c, 0, "period type without a name");
	}
	text_of(c, p->drop_frames, "drop_frames", 0);
	text_of(c, p->keep_frames, "keep_frames", 0);
	text_of(c, p->doc_url, "doc_url", 0);
	if (p->time_nanos <= 0)
		say(c, 0, "no time");
	if (p->duration_nanos < 0)
		say(c, 0, "negative duration");
	for (size_t i = 0; i < p->n_comment; i++)
		text_of(c, p->comment[i], "comment", i);
	if (p->n_comment > 4)
		say(c, 1, "%zu comments; each is printed above every report", p->n_comment);
}

static void check_build_id(const struct conform *c, const char *id, size_t number)
{
	size_t n = strspn(id, "0123456789abcdef");

	if (id[n] || n % 2)
		say(c, 0, "mapping %zu: build id \"%.40s\" is not lower-case hex", number, id);
}

/* A mapping with a flag is not resolved again by a consumer: all or nothing must be there. */
static void check_flags(const struct conform *c)
{
	const Profile *p = c->p;
	unsigned char *has_lines = calloc(p->n_mapping + 1, 1);

	if (!has_lines) {
		say(c, 0, "not checked: no memory");
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
			say(c, 0, "mapping %zu: its has_ flags do not fit its locations", i + 1);
	}
	free(has_lines);
}

static void check_mappings(const struct conform *c)
{
	const Profile *p = c->p;

	for (size_t i = 0; i < p->n_mapping; i++) {
		const Mapping *m = p->mapping[i];
		const char *file = text_of(c, m->filename, "mapping", i + 1);
		const char *build_id = text_of(c, m->build_id, "mapping", i + 1);
		if (m->id != i + 1)
			say(c, 0, "mapping %zu: id %" PRIu64 ", must be %zu", i + 1, m->id, i + 1);
		if (m->memory_start >= m->memory_limit)
			say(c, 0, "mapping %zu: empty range", i + 1);
		if (file && strstr(file, " (deleted)"))
			say(c, 0, "mapping %zu: file name with \" (deleted)\"", i + 1);
		if (build_id)
			check_build_id(c, build_id, i + 1);
	}
}

static void check_location(const struct conform *c, const Location *l, size_t number)
{
	const Profile *p = c->p;

	if (l->id != number)
		say(c, 0, "location %zu: id %" PRIu64 ", must be %zu", number, l->id, number);
	if (l->mapping_id > p->n_mapping) {
		say(c, 0, "location %zu: no mapping %" PRIu64, number, l->mapping_id);
	} else if (l->mapping_id) {
		const Mapping *m = p->mapping[l->mapping_id - 1];
		if (l->address < m->memory_start || l->address >= m->memory_limit)
			say(c, 0, "location %zu: address outside its mapping", number);
	}
	for (size_t i = 0; i < l->n_line; i++)
		if (!l->line[i]->function_id || l->line[i]->function_id > p->n_function)
			say(c, 0, "location %zu: no function %" PRIu64, number,
				l->line[i]->function_id);
}

static void check_functions(const struct conform *c)
{
	const Profile *p = c->p;

	for (size_t i = 0; i < p->n_function; i++) {
		const Perftools__Profiles__Function *f = p->function[i];
		if (f->id != i + 1)
			say(c, 0, "function %zu: id %" PRIu64 ", must be %zu", i + 1, f->id, i + 1);
		const char *name = text_of(c, f->name, "function", i + 1);
		text_of(c, f->system_name, "function", i + 1);
		text_of(c, f->filename, "function", i + 1);
		if (name && !*name)
			say(c, 0, "function %zu: no name", i + 1);
	}
}

/* --- samples ------------------------------------------------------------------------------ */

static int is_key(const char *key)
{
	if (!(*key == '_' || (*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z')))
		return 0;
	return key[strspn(key,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")] == '\0';
}

static void check_label(const struct conform *c, const Label *l, size_t number)
{
	const char *key = text_of(c, l->key, "label of sample", number);

	text_of(c, l->str, "label of sample", number);
	text_of(c, l->num_unit, "label of sample", number);
	if (!key)
		return;
	if (!strncmp(key, "pprof::", 7))
		say(c, 0, "sample %zu: label key \"%.40s\" is reserved", number, key);
	else if (!is_key(key))
		say(c, 0, "sample %zu: label key \"%.40s\" is not a name", number, key);
	if (l->str && (l->num || l->num_unit))
		say(c, 0, "sample %zu: label \"%.40s\" is both string and number", number, key);
	/* pprof drops a number 0 without a unit when it reads it. */
	if (!l->str && !l->num && !l->num_unit)
		say(c, 0, "sample %zu: label \"%.40s\" is neither string nor number", number, key);
}

/* What a label key was used for so far. */
struct use {
	size_t sample; /* number of the last one with it; 0: none */
	int is_string;
	int64_t unit;
};

static void check_use(const struct conform *c, struct use *use, const Label *l, size_t number)
{
	const char *key = c->p->string_table[l->key];
	struct use now = {number, l->str != 0, l->str ? 0 : l->num_unit};

	if (use->sample == number)
		say(c, 0, "sample %zu: label \"%.40s\" twice", number, key);
	if (use->sample && (use->is_string != now.is_string || use->unit != now.unit))
		say(c, 0, "sample %zu: label \"%.40s\" changes its kind or unit", number, key);
	*use = now;
}

/* One key is a string everywhere or a number of one unit everywhere, and once in a sample. */
static void check_label_kinds(const struct conform *c)
{
	const Profile *p = c->p;
	struct use *uses = calloc(p->n_string_table + 1, sizeof(*uses));

	if (!uses)
		say(c, 0, "not checked: no memory");
	for (size_t i = 0; uses && i < p->n_sample; i++)
		for (size_t k = 0; k < p->sample[i]->n_label; k++) {
			const Label *l = p->sample[i]->label[k];
			if (l->key >= 0 && (uint64_t)l->key < p->n_string_table)
				check_use(c, &uses[l->key], l, i + 1);
		}
	free(uses);
}

static void check_sample(const struct conform *c, const Sample *s, size_t number)
{
	const Profile *p = c->p;

	if (s->n_value != p->n_sample_type)
		say(c, 0, "sample %zu: %zu values for %zu types", number, s->n_value,
			p->n_sample_type);
	for (size_t i = 0; i < s->n_value; i++)
		if (s->value[i] < 0)
			say(c, 0, "sample %zu: negative value", number);
	for (size_t i = 0; i < s->n_location_id; i++)
		if (!s->location_id[i] || s->location_id[i] > p->n_location)
			say(c, 0, "sample %zu: no location %" PRIu64, number, s->location_id[i]);
	if (!s->n_location_id)
		say(c, 0, "sample %zu: no stack", number);
	if (s->n_location_id > DEPTH_MAX)
		say(c, 1, "sample %zu: deeper than %u", number, DEPTH_MAX);
	if (s->n_label > LABELS_MAX)
		say(c, 1, "sample %zu: more than %u labels", number, LABELS_MAX);
	for (size_t i = 0; i < s->n_label; i++)
		check_label(c, s->label[i], number);
}

struct wanted {
	const Profile *p;
	const Sample *sample;
};

static int same_labels(const Sample *a, const Sample *b)
{
	if (a->n_label != b->n_label)
		return 0;
	for (size_t i = 0; i < a->n_label; i++)
		if (a->label[i]->key != b->label[i]->key || a->label[i]->str != b->label[i]->str ||
			a->label[i]->num != b->label[i]->num ||
			a->label[i]->num_unit != b->label[i]->num_unit)
			return 0;
	return 1;
}

static int is_same(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const Sample *a = w->p->sample[position], *b = w->sample;

	return a->n_location_id == b->n_location_id &&
	       !memcmp(a->location_id, b->location_id,
		       a->n_location_id * sizeof(*a->location_id)) &&
	       same_labels(a, b);
}

/* Labels count, too: thousands of threads may wait in one stack. */
static uint64_t sample_hash(const Sample *s)
{
	uint64_t hash = 0;

	if (s->n_location_id)
		hash = hash_bytes(s->location_id, s->n_location_id * sizeof(*s->location_id));
	for (size_t i = 0; i < s->n_label; i++) {
		hash = hash_pair(hash, s->label[i]->key);
		hash = hash_pair(hash, s->label[i]->str);
		hash = hash_pair(hash, s->label[i]->num);
	}
	return hash;
}

static void check_unique(const struct conform *c)
{
	struct index seen = {0};

	for (size_t i = 0; i < c->p->n_sample; i++) {
		const Sample *s = c->p->sample[i];
		struct wanted wanted = {c->p, s};
		uint64_t hash = sample_hash(s);
		long before = index_find(&seen, hash, is_same, &wanted);
		if (before >= 0)
			say(c, 0, "sample %zu: same stack and labels as sample %ld", i + 1,
				before + 1);
		else if (index_add(&seen, hash, i) < 0) {
			say(c, 0, "not checked: no memory");
			break;
		}
	}
	index_fini(&seen);
}

void conform(const Perftools__Profiles__Profile *p, conform_report *report, void *arg)
{
	struct conform c = {p, report, arg};

	check_strings(&c);
	check_types(&c);
	check_header(&c);
	check_mappings(&c);
	check_flags(&c);
	for (size_t i = 0; i < p->n_location; i++)
		check_location(&c, p->location[i], i + 1);
	check_functions(&c);
	for (size_t i = 0; i < p->n_sample; i++)
		check_sample(&c, p->sample[i], i + 1);
	check_label_kinds(&c);
	check_unique(&c);
	if (p->n_sample > SAMPLES_MAX)
		say(&c, 1, "more than %u samples", SAMPLES_MAX);
}
