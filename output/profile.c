/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "output/builder.h"
#include "output/pprof.h"
#include "output/pseudo.h"
#include "output/table.h"
#include "output/weights.h"

#define MOST (UINT32_MAX / 4)

struct build {
	struct builder b;
	struct weights weights;
	enum profile_merged merged;
};

/* --- samples ------------------------------------------------------------------------------ */

struct wanted {
	const struct profile *p;
	const struct profile_sample *sample;
};

static int is_sample(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct profile_sample *a = &w->p->samples[position], *b = w->sample;
	const uint32_t *locations = w->p->sample_locations;

	return a->n_locations == b->n_locations && a->thread_name == b->thread_name &&
	       a->tid == b->tid && a->pid == b->pid && a->state == b->state &&
	       !memcmp(locations + a->first_location, locations + b->first_location,
		       a->n_locations * sizeof(*locations));
}

static void add_values(struct profile_sample *to, const struct profile_sample *from)
{
	for (unsigned i = 0; i < PROFILE_VALUES; i++)
		to->values[i] += from->values[i];
}

/* The sample's locations are the last in the list; they go again if there is an equal sample. */
static int add_sample(struct builder *b, const struct profile_sample *sample)
{
	struct profile *p = b->p;
	struct wanted wanted = {p, sample};
	uint64_t hash = hash_bytes(p->sample_locations + sample->first_location,
		sample->n_locations * sizeof(*p->sample_locations));

	hash = hash_pair(hash, hash_pair((uint64_t)sample->pid << 32 ^ sample->tid,
				       (uint64_t)sample->thread_name << 32 | sample->state));
	long found = index_find(&b->by_sample, hash, is_sample, &wanted);
	if (found >= 0) {
		add_values(&p->samples[found], sample);
		p->n_sample_locations = sample->first_location;
		return 0;
	}
	int error = list_room(
		&p->samples, p->n_samples, 1, &b->samples_room, sizeof(*p->samples), MOST);
	if (!error)
		error = index_add(&b->by_sample, hash, p->n_samples);
	if (!error)
		p->samples[p->n_samples++] = *sample;
	return error;
}

/* The frame before which a stack is marked as guessed, or n.
 *
 * The mark is a frame of its own where the guess was made: all towards the root rests on it. Not a
 * label: Pyroscope makes a series of each, and a thread's samples would be in two. Not the root,
 * where stacks that are cut have their reason: these are whole, and belong under the same main as
 * all others. */
static uint32_t guess_at(const struct frame *frames, uint32_t n)
{
	/* A mark more than viewers take would cost the stack its leaf there. */
	for (uint32_t i = 1; i < n && n <= LIMIT_FRAMES; i++)
		if (frames[i].flags & FRAME_GUESSED)
			return i;
	return n;
}

static int add_locations(struct builder *b, const struct frame *frames, uint32_t n)
{
	static const struct frame mark = {.offset = PSEUDO_GUESSED};
	struct profile *p = b->p;
	uint32_t guess = guess_at(frames, n);
	int error = list_room(&p->sample_locations, p->n_sample_locations, n + 1,
		&b->sample_locations_room, sizeof(*p->sample_locations), MOST);

	for (uint32_t i = 0; i < n && !error; i++) {
		if (i == guess)
			p->sample_locations[p->n_sample_locations++] = builder_location(b, &mark);
		p->sample_locations[p->n_sample_locations++] = builder_location(b, &frames[i]);
		error = b->error;
	}
	return error;
}

static int add_entry(void *arg, const struct table_entry *e)
{
	struct build *build = arg;
	struct builder *b = &build->b;
	const struct thread_info *thread = &b->in->threads[e->thread];
	struct profile_sample s = {
		.first_location = b->p->n_sample_locations,
		.values = {e->count},
	};

	if (build->merged < MERGED_THREADS && b->in->with_pids)
		s.pid = thread->pid;
	if (build->merged < MERGED_THREADS)
		s.thread_name = builder_string(b, thread->name);
	if (build->merged < MERGED_TIDS)
		s.tid = thread->tid;
	if (b->in->kind == PROFILE_CPU)
		s.values[1] = weights_take(&build->weights, e->thread, e->weight);
	else
		s.state = builder_string(b, pseudo_state(e->state));
	int error = add_locations(b, e->frames, e->n);
	s.n_locations = b->p->n_sample_locations - s.first_location;
	return error ? error : add_sample(b, &s);
}

/* CPU time that no sample stands for. */
static int add_pseudo(struct builder *b, enum pseudo what, int64_t ns)
{
	struct frame frame = {.offset = what};
	struct profile_sample s = {
		.first_location = b->p->n_sample_locations, .n_locations = 1, .values = {0, ns}};

	if (ns <= 0)
		return 0;
	int error = add_locations(b, &frame, 1);
	return error ? error : add_sample(b, &s);
}

static int add_samples(struct build *build)
{
	const struct profile_input *in = build->b.in;
	int error = table_each(in->table, add_entry, build);

	if (in->kind != PROFILE_CPU || error)
		return error;
	error = add_pseudo(&build->b, PSEUDO_UNSAMPLED, weights_unsampled(&build->weights));
	return error ? error : add_pseudo(&build->b, PSEUDO_ENDED, weights_ended(&build->weights));
}

/* --- header ------------------------------------------------------------------------------- */

static struct profile_type type_of(struct builder *b, const char *type, const char *unit)
{
	return (struct profile_type){builder_string(b, type), builder_string(b, unit)};
}

static void set_types(struct builder *b)
{
	struct profile *p = b->p;

	if (p->kind == PROFILE_CPU) {
		p->types[0] = type_of(b, "samples", "count");
		p->types[1] = type_of(b, "cpu", "nanoseconds");
		p->n_types = 2;
		p->period = 1000000000 / (b->in->hz ? b->in->hz : 1);
	} else {
		p->types[0] = type_of(b, "thread", "count");
		p->n_types = 1;
		p->period = 1;
	}
	p->period_type = p->types[p->n_types - 1];
	p->default_type = p->period_type.type;
}

static int add_comment(struct profile *p, const char *line, size_t n, const char *more)
{
	struct buf text;

	buf_init(&text, LIMIT_STRINGS);
	buf_append(&text, line, n);
	if (more)
		buf_printf(&text, "%s%s", n ? "; " : "", more);
	const char *copy = buf_text(&text);
	long id = copy ? strings_id(p->strings, copy) : -ENOMEM;
	buf_fini(&text);
	if (id > 0)
		p->comments[p->n_comments++] = id;
	return id < 0 ? id : 0;
}

/* What was merged is said in the last line: pprof shows all lines above each of its reports. */
static int set_comments(struct profile *p, const char *lines)
{
	const char *merged = profile_merged_text(p->merged), *line = lines ? lines : "";
	int error = 0;

	do {
		size_t n = strcspn(line, "\n"), next = n + strspn(line + n, "\n");
		int is_last = !line[next] || p->n_comments == 3;
		error = add_comment(p, line, n, is_last ? merged : NULL);
		line += next;
	} while (*line && p->n_comments < 4 && !error);
	return error;
}

static int fill(struct build *build)
{
	struct builder *b = &build->b;

	set_types(b);
	int error = add_samples(build);
	builder_complete_mappings(b);
	return error ? error : b->error;
}

static int build_merged(
	const struct profile_input *in, enum profile_merged merged, struct profile **out)
{
	struct build build = {.merged = merged};
	struct profile *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->kind = in->kind;
	p->merged = merged;
	p->has_pids = in->with_pids;
	p->time = in->time;
	p->duration = in->duration;
	p->strings = strings_new();
	int error = p->strings ? builder_init(&build.b, in, p) : -ENOMEM;
	if (!error)
		error = weights_init(&build.weights, in->table, in->threads, in->n_threads,
			in->ended_cpu, 1000000000 / (in->hz ? in->hz : 1));
	if (!error)
		error = fill(&build);
	weights_fini(&build.weights);
	builder_fini(&build.b);
	if (error)
		profile_free(p);
	else
		*out = p;
	return error;
}

/* 1 when the profile is within the limits, 0 when it is not, or -errno. */
static int fits(const struct profile_input *in, const struct profile *p)
{
	uint64_t bytes = 0;

	if (in->most_samples && p->n_samples > in->most_samples)
		return 0;
	int error = in->most_bytes ? pprof_size(p, &bytes) : 0;
	return error ? error : bytes <= in->most_bytes;
}

/* Labels are only given up if that helps: stacks that all differ stay as many without them. */
static int merge(const struct profile_input *in, struct profile **p)
{
	int fit = fits(in, *p);

	for (enum profile_merged m = MERGED_TIDS; m <= MERGED_THREADS && !fit; m++) {
		struct profile *less;
		fit = build_merged(in, m, &less);
		if (!fit)
			fit = fits(in, less);
		if (fit == 1) {
			profile_free(*p);
			*p = less;
		} else {
			profile_free(less);
		}
	}
	if (!fit)
		(*p)->merged = MERGED_IN_VAIN;
	return fit < 0 ? fit : 0;
}

int profile_build(const struct profile_input *in, struct profile **out)
{
	int error = build_merged(in, MERGED_NOT, out);

	if (!error)
		error = merge(in, out);
	if (!error)
		error = set_comments(*out, in->comments);
	if (error) {
		profile_free(*out);
		*out = NULL;
	}
	return error;
}

const char *profile_merged_text(enum profile_merged merged)
{
	switch (merged) {
	case MERGED_TIDS:
		return "too many samples for some stores: threads of one name are merged, no tid";
	case MERGED_THREADS:
		return "too many samples for some stores: all threads are merged, no tid and no "
		       "thread_name";
	case MERGED_IN_VAIN:
		return "larger than some stores take";
	default:
		return NULL;
	}
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	strings_free(p->strings);
	free(p->mappings);
	free(p->functions);
	free(p->lines);
	free(p->locations);
	free(p->sample_locations);
	free(p->samples);
	free(p);
}
