/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "output/tally.h"
#include "output/tally_names.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;

#define STEPS 64u /* from the allocator to who asked for it, at most */

struct sum {
	struct tally_sum sum;
	uint32_t seen; /* number of the sample that was counted last */
};

struct place {
	struct tally_frame frame;
	struct tally_sum sum;
};

struct taking {
	const Profile *p;
	struct tally *t;
	struct tally_names names;
	struct sum *flat, *cum;	 /* of each text */
	uint32_t *seen_location; /* likewise, of each location */
	struct place *places;	 /* of each sample */
	uint32_t n_places;
	uint64_t work;
};

/* --- one sample --------------------------------------------------------------------------- */

static void add(struct tally_sum *to, const struct tally_sum *by)
{
	to->value += by->value;
	to->variance += by->variance;
	to->came += by->came;
	to->came_variance += by->came_variance;
}

static int is_nothing(const struct tally_sum *s)
{
	return s->value == 0 && s->variance == 0 && s->came == 0;
}

static int is_of_allocations(const struct taking *k)
{
	return k->t->sampling.way == SAMPLING_BYTES || k->t->sampling.way == SAMPLING_OBJECTS;
}

/* The frame that the value belongs to: the leaf, but that of allocations which asked for them. */
static struct tally_frame place_of(const struct taking *k, const Sample *s)
{
	const struct tally_names *n = &k->names;
	const struct tally_frame *leaf = NULL;
	uint32_t steps = 0;

	for (size_t i = 0; i < s->n_location_id && steps < STEPS; i++) {
		long at = tally_names_location(n, s->location_id[i]);
		for (uint32_t f = n->first[at]; f < n->first[at + 1] && steps < STEPS;
			f++, steps++) {
			if (!is_of_allocations(k) || !n->hands_on[n->frames[f].name])
				return n->frames[f];
			leaf = leaf ? leaf : &n->frames[f];
		}
	}
	return leaf ? *leaf : (struct tally_frame){n->unknown, n->unknown, 0};
}

/* A function counts once in a sample, and so a location does; a foreign file may have many twice.
 */
static int add_to_functions(
	struct taking *k, const Sample *s, uint32_t number, const struct tally_sum *by)
{
	const struct tally_names *n = &k->names;

	for (size_t i = 0; i < s->n_location_id; i++) {
		long at = tally_names_location(n, s->location_id[i]);
		if (at < 0)
			return -EPROTO;
		k->work++;
		if (k->seen_location[at] == number)
			continue;
		k->seen_location[at] = number;
		k->work += n->first[at + 1] - n->first[at];
		if (k->work > LIMIT_PROFILE_WORK)
			return -E2BIG;
		for (uint32_t f = n->first[at]; f < n->first[at + 1]; f++) {
			struct sum *sum = &k->cum[n->frames[f].name];
			if (sum->seen != number)
				add(&sum->sum, by);
			sum->seen = number;
		}
	}
	return k->work > LIMIT_PROFILE_WORK ? -E2BIG : 0;
}

static int take_sample(struct taking *k, uint32_t number)
{
	const Sample *s = k->p->sample[number];
	struct tally *t = k->t;

	if (s->n_value != k->p->n_sample_type)
		return -EPROTO;
	struct tally_sum by = {.value = s->value[t->sampling.main],
		.variance = sampling_variance(&t->sampling, s->value)};
	if (t->run) {
		by.came = s->value[t->came.main];
		by.came_variance = sampling_variance(&t->came, s->value);
	}
	if (is_nothing(&by))
		return 0;
	int error = add_to_functions(k, s, number + 1, &by);
	if (error)
		return error;
	struct tally_frame frame = place_of(k, s);
	add(&t->sum, &by);
	add(&k->flat[frame.name].sum, &by);
	k->places[k->n_places++] = (struct place){frame, by};
	return 0;
}

/* --- rows --------------------------------------------------------------------------------- */

static int make_rows(const struct taking *k, const struct sum *sums, struct tally_rows *rows)
{
	rows->v = calloc(k->names.n_texts + 1, sizeof(*rows->v));
	for (uint32_t i = 0; i < k->names.n_texts && rows->v; i++)
		if (!is_nothing(&sums[i].sum))
			rows->v[rows->n++] =
				(struct tally_row){k->names.texts[i], "", 0, sums[i].sum};
	return rows->v ? 0 : -ENOMEM;
}

static int by_place(const void *a, const void *b)
{
	const struct tally_frame *x = &((const struct place *)a)->frame;
	const struct tally_frame *y = &((const struct place *)b)->frame;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int make_places(struct taking *k, struct tally_rows *rows)
{
	rows->v = calloc(k->n_places + 1, sizeof(*rows->v));
	if (!rows->v)
		return -ENOMEM;
	qsort(k->places, k->n_places, sizeof(*k->places), by_place);
	for (uint32_t i = 0; i < k->n_places; i++) {
		const struct place *place = &k->places[i];
		if (!i || by_place(place - 1, place) != 0)
			rows->v[rows->n++] = (struct tally_row){
				.name = k->names.texts[place->frame.name],
				.file = k->names.texts[place->frame.file],
				.line = place->frame.line,
			};
		add(&rows->v[rows->n - 1].sum, &place->sum);
	}
	return 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int is_type(const Profile *p, const Perftools__Profiles__ValueType *type)
{
	return tally_names_has(p, type->type) && tally_names_has(p, type->unit);
}

/* Ours say of which run they are, in the first comment; one of a difference has a duration. */
static const char *run_of(const Profile *p)
{
	const char *text = p->n_comment && tally_names_has(p, p->comment[0])
				   ? p->string_table[p->comment[0]]
				   : "";

	return p->duration_nanos == 0 && strstr(text, TALLY_RUN) ? text : NULL;
}

static void find_came(const Profile *p, struct tally *t)
{
	for (size_t i = 0; i < p->n_sample_type; i++)
		if (!strcmp(p->string_table[p->sample_type[i]->type], "alloc_space")) {
			t->came = sampling_of(p, i);
			t->run = t->sampling.way == SAMPLING_BYTES ? run_of(p) : NULL;
		}
}

static int take_header(const Profile *p, struct tally *t)
{
	size_t main = p->n_sample_type - 1;

	if (!p->n_sample_type || !p->n_string_table ||
		!tally_names_has(p, p->default_sample_type) || p->n_sample > UINT32_MAX / 4)
		return -EPROTO;
	if (p->period_type && !is_type(p, p->period_type))
		return -EPROTO;
	for (size_t i = p->n_sample_type; i-- > 0;) {
		if (!is_type(p, p->sample_type[i]))
			return -EPROTO;
		if (p->default_sample_type && p->sample_type[i]->type == p->default_sample_type)
			main = i;
	}
	t->type = p->string_table[p->sample_type[main]->type];
	t->unit = p->string_table[p->sample_type[main]->unit];
	t->file = t->build_id = "";
	if (p->n_mapping && tally_names_has(p, p->mapping[0]->filename) &&
		tally_names_has(p, p->mapping[0]->build_id)) {
		t->file = p->string_table[p->mapping[0]->filename];
		t->build_id = p->string_table[p->mapping[0]->build_id];
	}
	t->duration = p->duration_nanos > 0 ? p->duration_nanos / 1e9 : 0;
	t->time = p->time_nanos;
	t->sampling = sampling_of(p, main);
	find_came(p, t);
	/* In equal times, events that are counted come as they do: by chance. */
	if (t->sampling.way == SAMPLING_NONE && tally_is_of_time(t))
		t->sampling.way = SAMPLING_PERIOD;
	return 0;
}

static int take_samples(struct taking *k)
{
	int error = 0;

	k->flat = calloc(k->names.n_texts + 1, sizeof(*k->flat));
	k->cum = calloc(k->names.n_texts + 1, sizeof(*k->cum));
	k->seen_location = calloc(k->names.n_locations + 1, sizeof(*k->seen_location));
	k->places = malloc((k->p->n_sample + 1) * sizeof(*k->places));
	if (!k->flat || !k->cum || !k->seen_location || !k->places)
		return -ENOMEM;
	for (size_t i = 0; i < k->p->n_sample && !error; i++)
		error = take_sample(k, i);
	if (!error)
		error = make_rows(k, k->flat, &k->t->flat);
	if (!error)
		error = make_rows(k, k->cum, &k->t->cum);
	return error ? error : make_places(k, &k->t->places);
}

int tally_take(const Profile *p, struct tally *t)
{
	struct taking k = {.p = p, .t = t};

	*t = (struct tally){0};
	int error = take_header(p, t);
	if (error)
		return error;
	error = tally_names_init(&k.names, p);
	if (!error)
		error = take_samples(&k);
	free(k.flat);
	free(k.cum);
	free(k.seen_location);
	free(k.places);
	t->names = k.names.mappings;
	k.names.mappings = NULL;
	tally_names_fini(&k.names);
	if (error)
		tally_fini(t);
	return error;
}

void tally_fini(struct tally *t)
{
	free(t->flat.v);
	free(t->cum.v);
	free(t->places.v);
	free(t->names);
	*t = (struct tally){0};
}

int tally_is_of_time(const struct tally *t)
{
	static const char *const of_moments[] = {"thread", "threads", "goroutine"};

	for (size_t i = 0; i < sizeof(of_moments) / sizeof(*of_moments); i++)
		if (!strcmp(t->type, of_moments[i]))
			return 0;
	return t->duration > 0 && strncmp(t->type, "inuse", 5) != 0;
}
