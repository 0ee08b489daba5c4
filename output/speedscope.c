/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/path.h"
#include "config.h"
#include "output/speedscope.h"

#define FULL (64 * KIB) /* then it is written */

struct writer {
	const struct profile *p;
	struct sink *sink;
	struct buf *out; /* or there */
	struct buf buf;
	struct json json;
	uint32_t *frame_of; /* of each location without a function */
	int error;
};

static void flush(struct writer *w, size_t most)
{
	if (w->buf.failed)
		w->error = w->error ? w->error : w->buf.failed;
	if (w->error || w->buf.len <= most)
		return;
	w->error = w->out ? buf_append(w->out, w->buf.data, w->buf.len)
			  : sink_write(w->sink, w->buf.data, w->buf.len);
	buf_clear(&w->buf);
}

/* --- frames ------------------------------------------------------------------------------- */

static const char *text(const struct writer *w, uint32_t id)
{
	return strings_text(w->p->strings, id);
}

static void put_function(struct writer *w, const struct profile_function *f)
{
	json_object(&w->json, NULL);
	json_string(&w->json, "name", text(w, f->name));
	if (f->file)
		json_string(&w->json, "file", text(w, f->file));
	if (f->start_line)
		json_number(&w->json, "line", f->start_line);
	json_end_object(&w->json);
}

/* The offset in the file, which is the same in each run. */
static void put_place(struct writer *w, const struct profile_location *l)
{
	char name[400];

	if (l->mapping) {
		const struct profile_mapping *m = &w->p->mappings[l->mapping - 1];
		snprintf(name, sizeof(name), "[%.255s+0x%" PRIx64 "]", path_base(text(w, m->file)),
			l->address - m->start + m->offset);
	} else {
		snprintf(name, sizeof(name), "0x%" PRIx64, l->address);
	}
	json_object(&w->json, NULL);
	json_string(&w->json, "name", name);
	json_end_object(&w->json);
}

/* Functions first, in the order of the profile's table. */
static void put_frames(struct writer *w)
{
	uint32_t n = w->p->n_functions;

	json_object(&w->json, "shared");
	json_array(&w->json, "frames");
	for (uint32_t i = 0; i < w->p->n_functions; i++) {
		put_function(w, &w->p->functions[i]);
		flush(w, FULL);
	}
	for (uint32_t i = 0; i < w->p->n_locations; i++) {
		if (w->p->locations[i].n_lines)
			continue;
		w->frame_of[i] = n++;
		put_place(w, &w->p->locations[i]);
		flush(w, FULL);
	}
	json_end_array(&w->json);
	json_end_object(&w->json);
}

/* --- samples ------------------------------------------------------------------------------ */

/* Root first. */
static void put_stack(struct writer *w, const struct profile_sample *s)
{
	json_array(&w->json, NULL);
	for (uint32_t i = s->n_locations; i-- > 0;) {
		uint32_t number = w->p->sample_locations[s->first_location + i] - 1;
		const struct profile_location *l = &w->p->locations[number];
		if (!l->n_lines)
			json_number(&w->json, NULL, w->frame_of[number]);
		for (uint32_t k = l->n_lines; k-- > 0;)
			json_number(&w->json, NULL, w->p->lines[l->first_line + k].function - 1);
	}
	json_end_array(&w->json);
	flush(w, FULL);
}

static uint64_t value_of(const struct writer *w, const struct profile_sample *s)
{
	int64_t value = s->values[w->p->main_type];

	return value > 0 ? value : 0;
}

/* Of those that the viewer knows. */
static const char *unit_of(const struct profile *p)
{
	const char *unit = strings_text(p->strings, p->types[p->main_type].unit);

	return !strcmp(unit, "nanoseconds") || !strcmp(unit, "bytes") ? unit : "none";
}

static void put_profile(
	struct writer *w, const char *name, const struct profile_sample *const *v, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += value_of(w, v[i]);
	json_object(&w->json, NULL);
	json_string(&w->json, "type", "sampled");
	json_string(&w->json, "name", name);
	json_string(&w->json, "unit", unit_of(w->p));
	json_number(&w->json, "startValue", 0);
	json_number(&w->json, "endValue", sum);
	json_array(&w->json, "samples");
	for (uint32_t i = 0; i < n; i++)
		put_stack(w, v[i]);
	json_end_array(&w->json);
	json_array(&w->json, "weights");
	for (uint32_t i = 0; i < n; i++) {
		json_number(&w->json, NULL, value_of(w, v[i]));
		flush(w, FULL);
	}
	json_end_array(&w->json);
	json_end_object(&w->json);
}

static int by_thread(const void *a, const void *b)
{
	const struct profile_sample *x = *(const struct profile_sample *const *)a,
				    *y = *(const struct profile_sample *const *)b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->thread_name > y->thread_name) - (x->thread_name < y->thread_name);
}

static void thread_text(const struct writer *w, const struct profile_sample *s, char *out, size_t n)
{
	const char *name = s->thread_name ? text(w, s->thread_name) : "no thread";

	if (s->pid && s->tid)
		snprintf(out, n, "%s (%" PRId64 " of process %" PRId64 ")", name, s->tid, s->pid);
	else if (s->tid)
		snprintf(out, n, "%s (%" PRId64 ")", name, s->tid);
	else
		snprintf(out, n, "%s", name);
}

static void put_profiles(struct writer *w, const struct profile_sample **v)
{
	uint32_t n = w->p->n_samples;
	char name[128];

	for (uint32_t i = 0; i < n; i++)
		v[i] = &w->p->samples[i];
	json_array(&w->json, "profiles");
	put_profile(w, text(w, w->p->default_type), v, n);
	qsort(v, n, sizeof(*v), by_thread);
	for (uint32_t i = 0, next; i < n; i = next) {
		for (next = i; next < n && !by_thread(&v[next], &v[i]); next++)
			;
		if (!i && next == n)
			break;
		thread_text(w, v[i], name, sizeof(name));
		put_profile(w, name, v + i, next - i);
	}
	json_end_array(&w->json);
}

static int write_to(const struct profile *p, struct sink *sink, struct buf *out)
{
	struct writer w = {.p = p, .sink = sink, .out = out, .json = {.out = &w.buf}};
	const struct profile_sample **v = malloc((p->n_samples + 1) * sizeof(*v));

	buf_init(&w.buf, LIMIT_STRINGS);
	w.frame_of = calloc(p->n_locations + 1, sizeof(*w.frame_of));
	w.error = v && w.frame_of ? 0 : -ENOMEM;
	if (!w.error) {
		json_object(&w.json, NULL);
		json_string(
			&w.json, "$schema", "https://www.speedscope.app/file-format-schema.json");
		json_string(&w.json, "exporter", "cpprof-attach " PACKAGE_VERSION);
		json_number(&w.json, "activeProfileIndex", 0);
		put_frames(&w);
		put_profiles(&w, v);
		json_end_object(&w.json);
		buf_string(&w.buf, "\n");
		flush(&w, 0);
	}
	free(w.frame_of);
	free(v);
	buf_fini(&w.buf);
	return w.error;
}

int speedscope_write(const struct profile *p, struct sink *sink)
{
	return write_to(p, sink, NULL);
}

int speedscope_text(const struct profile *p, struct buf *out)
{
	return write_to(p, NULL, out);
}
