/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "output/conform_parts.h"

/* Pyroscope's default limits. */
#define LABELS_MAX  100u
#define DEPTH_MAX   1000u
#define SAMPLES_MAX 16000u

/* Pyroscope's rule for its labels. */
static int is_key(const char *key)
{
	return conform_is_name(key, LETTERS "0123456789.");
}

static void check_label(const struct conform *c, const Label *l, size_t number)
{
	const char *key = conform_text(c, l->key, "label of sample", number);

	conform_text(c, l->str, "label of sample", number);
	conform_text(c, l->num_unit, "label of sample", number);
	if (!key)
		return;
	if (!strncmp(key, "pprof::", 7))
		conform_say(c, 0, "sample %zu: label key \"%.40s\" is reserved", number, key);
	else if (!is_key(key))
		conform_say(c, 0, "sample %zu: label key \"%.40s\" is not a name", number, key);
	if (l->str && (l->num || l->num_unit))
		conform_say(
			c, 0, "sample %zu: label \"%.40s\" is both string and number", number, key);
	/* pprof drops a number 0 without a unit when it reads it. */
	if (!l->str && !l->num && !l->num_unit)
		conform_say(c, 0, "sample %zu: label \"%.40s\" is neither string nor number",
			number, key);
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
		conform_say(c, 0, "sample %zu: label \"%.40s\" twice", number, key);
	if (use->sample && (use->is_string != now.is_string || use->unit != now.unit))
		conform_say(
			c, 0, "sample %zu: label \"%.40s\" changes its kind or unit", number, key);
	*use = now;
}

/* One key is a string everywhere or a number of one unit everywhere, and once in a sample. */
static void check_label_kinds(const struct conform *c)
{
	const Profile *p = c->p;
	struct use *uses = calloc(p->n_string_table + 1, sizeof(*uses));

	if (!uses)
		conform_say(c, 0, "not checked: no memory");
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
		conform_say(c, 0, "sample %zu: %zu values for %zu types", number, s->n_value,
			p->n_sample_type);
	int is_zero = s->n_value != 0;
	for (size_t i = 0; i < s->n_value; i++) {
		is_zero &= !s->value[i];
		if (s->value[i] < 0)
			conform_say(c, 0, "sample %zu: negative value", number);
	}
	if (is_zero)
		conform_say(c, 1, "sample %zu: all values are 0", number);
	for (size_t i = 0; i < s->n_location_id; i++)
		if (!s->location_id[i] || s->location_id[i] > p->n_location)
			conform_say(c, 0, "sample %zu: no location %" PRIu64, number,
				s->location_id[i]);
	if (!s->n_location_id)
		conform_say(c, 0, "sample %zu: no stack", number);
	if (s->n_location_id > DEPTH_MAX)
		conform_say(c, 1, "sample %zu: deeper than %u", number, DEPTH_MAX);
	if (s->n_label > LABELS_MAX)
		conform_say(c, 1, "sample %zu: more than %u labels", number, LABELS_MAX);
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
			conform_say(c, 0, "sample %zu: same stack and labels as sample %ld", i + 1,
				before + 1);
		else if (index_add(&seen, hash, i) < 0) {
			conform_say(c, 0, "not checked: no memory");
			break;
		}
	}
	index_fini(&seen);
}

void conform_samples(const struct conform *c)
{
	for (size_t i = 0; i < c->p->n_sample; i++)
		check_sample(c, c->p->sample[i], i + 1);
	check_label_kinds(c);
	check_unique(c);
	if (c->p->n_sample > SAMPLES_MAX)
		conform_say(c, 1, "more than %u samples", SAMPLES_MAX);
}
