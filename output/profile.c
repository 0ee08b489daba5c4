/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "output/builder.h"
#include "output/heap.h"
#include "output/pprof.h"
#include "output/pseudo.h"
#include "output/symbols.h"
#include "output/table.h"
#include "output/wait_kind.h"
#include "output/weights.h"

#define MOST (UINT32_MAX / 4)

struct build {
	struct builder b;
	struct weights weights;
	enum profile_merged merged;
};

/* Of the ticks, in ns. */
static uint64_t period_of(const struct profile_input *in)
{
	return 1000000000 / (in->hz ? in->hz : 1);
}

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
	       a->tid == b->tid && a->goroutine == b->goroutine && a->pid == b->pid &&
	       a->state == b->state && a->kind == b->kind && a->lock == b->lock &&
	       !memcmp(locations + a->first_location, locations + b->first_location,
		       a->n_locations * sizeof(*locations));
}

static void add_values(struct profile_sample *to, const struct profile_sample *from)
{
	for (unsigned i = 0; i < PROFILE_VALUES; i++)
		to->values[i] += from->values[i];
	to->variance[0] += from->variance[0];
	to->variance[1] += from->variance[1];
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
	hash = hash_pair(hash, (uint64_t)sample->kind << 32 | sample->lock);
	hash = hash_pair(hash, sample->goroutine);
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

#define NAMED_FRAMES 24u /* the innermost: somewhere in them is the function that waits */

/* The names on top of a stack, inlined functions included; how many. */
static uint32_t names_of(const struct builder *b, const struct table_entry *e, const char **names)
{
	uint32_t n = 0, lines;

	for (uint32_t i = 0; i < e->n && n < NAMED_FRAMES; i++) {
		const struct frame *f = &e->frames[i];
		if (f->module && b->in->modules[f->module - 1].flags & MODULE_KERNEL)
			continue;
		const struct symbol *s =
			f->module ? symbols_find(b->in->symbols, f->module, f->offset, &lines)
				  : NULL;
		for (uint32_t l = 0; s && l < lines && n < NAMED_FRAMES; l++)
			names[n++] = s[l].name;
	}
	return n;
}

/* Kinds of locks that some thread holds. */
static int has_holder(enum wait_kind kind)
{
	return kind == WAIT_MUTEX || kind == WAIT_RWLOCK || kind == WAIT_ONCE ||
	       kind == WAIT_JOIN || kind == WAIT_STDIO || kind == WAIT_FILE_LOCK;
}

/* The kind of what is waited for; WAIT_IDLE: nothing that belongs into this profile. */
static enum wait_kind wait_of(const struct builder *b, const struct table_entry *e)
{
	const struct wait found = {.kind = e->wait, .lock = e->lock};
	const char *names[NAMED_FRAMES] = {NULL};
	/* A holder's own stack says nothing of what others wait for. */
	int is_waiter = b->in->kind == PROFILE_BLOCK || (e->flags & WAIT_NO_HOLDER);
	uint32_t n = is_waiter ? names_of(b, e, names) : 0;
	enum wait_kind kind = wait_kind_of(&found, names, n);

	if (!wait_kind_word(kind) ||
		(b->in->kind == PROFILE_MUTEX && is_waiter && !has_holder(kind)))
		return WAIT_IDLE;
	return kind;
}

static void add_wait_labels(struct builder *b, const struct table_entry *e, enum wait_kind kind,
	struct profile_sample *s)
{
	uint64_t lock = wait_kind_lock(kind, e->lock);
	const char *name = NULL;
	char address[32];

	s->kind = builder_string(b, wait_kind_word(kind));
	if (!e->lock)
		return;
	if (b->in->lock_name)
		name = b->in->lock_name(b->in->lock_arg, &b->in->threads[e->thread], lock);
	snprintf(address, sizeof(address), "0x%" PRIx64, lock);
	s->lock = builder_string(b, name ? name : address);
}

/* What stands for a holder that is not known. */
static uint64_t no_holder(uint32_t flags)
{
	if (flags & WAIT_HOLDER_OTHER)
		return PSEUDO_HOLDER_OTHER;
	if (flags & WAIT_HOLDER_GONE)
		return PSEUDO_HOLDER_GONE;
	return flags & WAIT_READERS ? PSEUDO_READERS : PSEUDO_NO_HOLDER;
}

static void add_thread_labels(
	struct build *build, const struct table_entry *e, struct profile_sample *s)
{
	struct builder *b = &build->b;
	const struct thread_info *thread = &b->in->threads[e->thread];
	int is_known = !(e->flags & WAIT_NO_HOLDER) && !e->goroutine;

	if (build->merged < MERGED_THREADS && b->in->with_pids)
		s->pid = thread->pid;
	if (build->merged < MERGED_THREADS && is_known)
		s->thread_name = builder_string(b, thread->name);
	if (build->merged < MERGED_TIDS && is_known)
		s->tid = thread->tid;
	if (build->merged < MERGED_TIDS)
		s->goroutine = e->flags & WAIT_NO_HOLDER ? 0 : e->goroutine;
	b->p->has_goroutines |= s->goroutine != 0;
}

static int64_t time_of(const struct profile_input *in, uint64_t weight)
{
	if (in->is_in_ns)
		return weight;
	if (!in->ticks_weight)
		return weight * period_of(in) / WEIGHT_ONE;
	return (double)weight * in->duration / in->ticks_weight;
}

static int is_of_heap(const struct builder *b)
{
	return !!(KIND(b->in->kind) & KINDS_OF_HEAP);
}

static int add_entry(void *arg, const struct table_entry *e)
{
	struct build *build = arg;
	struct builder *b = &build->b;
	const struct frame holder = {.offset = no_holder(e->flags)};
	struct profile_sample s = {
		.first_location = b->p->n_sample_locations,
		.values = {e->count},
	};

	/* What a difference has not. */
	if (!e->count && !e->weight)
		return b->error;
	if (e->wait) {
		enum wait_kind kind = wait_of(b, e);
		if (kind == WAIT_IDLE)
			return b->error;
		add_wait_labels(b, e, kind, &s);
	}
	/* Who allocated says nothing of where it is kept. */
	if (is_of_heap(b) && !heap_values(b->in->heap, e->lock, &s))
		return b->error;
	if (!is_of_heap(b))
		add_thread_labels(build, e, &s);
	if (b->in->kind == PROFILE_CPU)
		s.values[1] = weights_take(&build->weights, e->thread, e->weight);
	else if (b->p->n_types == 2 && !is_of_heap(b))
		s.values[1] = time_of(b->in, e->weight);
	if (b->in->kind == PROFILE_THREADS || b->in->kind == PROFILE_WALL ||
		b->in->kind == PROFILE_GOROUTINE)
		s.state = builder_string(b, pseudo_state(e->state));
	int error = e->flags & WAIT_NO_HOLDER ? add_locations(b, &holder, 1)
					      : add_locations(b, e->frames, e->n);
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

/* Go's, in its order; is_timed: the period is one of time, not of events. */
static const struct kind_types {
	const char *name, *count, *time;
	int is_timed;
} kind_types[PROFILE_KINDS] = {
	[PROFILE_CPU] = {"cpu", "samples", "cpu", 1},
	[PROFILE_THREADS] = {"threads", "thread", NULL, 0},
	[PROFILE_WALL] = {"wall", "samples", "wall", 1},
	[PROFILE_BLOCK] = {"block", "contentions", "delay", 0},
	[PROFILE_MUTEX] = {"mutex", "contentions", "delay", 0},
	[PROFILE_THREADCREATE] = {"threadcreate", "threadcreate", NULL, 0},
	[PROFILE_GOROUTINE] = {"goroutine", "goroutine", NULL, 0},
	[PROFILE_HEAP] = {"heap", "inuse", NULL, 0},
	[PROFILE_ALLOCS] = {"allocs", "alloc", NULL, 0},
};

const char *profile_kind_name(enum profile_kind kind)
{
	return kind < PROFILE_KINDS ? kind_types[kind].name : NULL;
}

static void set_types(struct builder *b)
{
	struct profile *p = b->p;

	const struct kind_types *t = &kind_types[p->kind];

	if (is_of_heap(b)) {
		heap_types(b);
		return;
	}
	p->types[0] = type_of(b, b->in->is_like_go ? "goroutine" : t->count, "count");
	p->n_types = 1;
	if (t->time)
		p->types[p->n_types++] = type_of(b, t->time, "nanoseconds");
	p->period = t->is_timed ? period_of(b->in) : 1;
	p->period_type = p->types[t->is_timed];
	p->main_type = p->n_types - 1;
	p->default_type = p->types[p->main_type].type;
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
	p->has_waits = in->kind == PROFILE_BLOCK || in->kind == PROFILE_MUTEX;
	p->time = in->time;
	p->duration = in->duration;
	p->strings = strings_new();
	int error = p->strings ? builder_init(&build.b, in, p) : -ENOMEM;
	if (!error)
		error = weights_init(&build.weights, in->table, in->threads, in->n_threads,
			in->ended_cpu, period_of(in));
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
