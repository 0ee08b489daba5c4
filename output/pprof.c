/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/gzip.h"
#include "output/pprof.h"
#include "output/profile.pb-c.h"

#define LEVEL 6

/* Bytes on their way into the file or into memory; with neither, they are only counted. */
struct stream {
	z_stream z;
	struct sink *sink;
	struct buf *memory;
	uint64_t bytes; /* uncompressed */
	int error;
};

static int put_out(struct stream *s, const void *bytes, size_t n)
{
	return s->sink ? sink_write(s->sink, bytes, n) : buf_append(s->memory, bytes, n);
}

static void put_compressed(struct stream *s, const void *bytes, size_t n, int flush)
{
	unsigned char out[32 * 1024];

	s->bytes += n;
	if (!s->sink && !s->memory)
		return;
	s->z.next_in = (unsigned char *)bytes;
	s->z.avail_in = n;
	do {
		s->z.next_out = out;
		s->z.avail_out = sizeof(out);
		if (!s->error && deflate(&s->z, flush) == Z_STREAM_ERROR)
			s->error = -EIO;
		if (!s->error)
			s->error = put_out(s, out, sizeof(out) - s->z.avail_out);
	} while (!s->error && s->z.avail_out == 0);
}

static size_t put_varint(unsigned char *out, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		out[n++] = value | 0x80;
	out[n++] = value;
	return n;
}

/* A field of Profile that is a message or a string. */
static void put_bytes(struct stream *s, uint32_t field, const void *bytes, size_t n)
{
	unsigned char head[20];
	size_t at = put_varint(head, field << 3 | 2);

	at += put_varint(head + at, n);
	put_compressed(s, head, at, Z_NO_FLUSH);
	put_compressed(s, bytes, n, Z_NO_FLUSH);
}

static void put_message(struct stream *s, uint32_t field, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);

	uint8_t *packed = s->error ? NULL : malloc(n + 1);

	if (!packed) {
		s->error = s->error ? s->error : -ENOMEM;
		return;
	}
	protobuf_c_message_pack(m, packed);
	put_bytes(s, field, packed, n);
	free(packed);
}

/* --- the tables --------------------------------------------------------------------------- */

static void put_types(struct stream *s, const struct profile *p)
{
	for (uint32_t i = 0; i < p->n_types; i++) {
		Perftools__Profiles__ValueType m = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
		m.type = p->types[i].type;
		m.unit = p->types[i].unit;
		put_message(s, 1, &m.base);
	}
}

struct keys {
	uint32_t thread_name, tid, pid, state, kind, lock, goroutine;
};

static Perftools__Profiles__Label string_label(uint32_t key, uint32_t text)
{
	Perftools__Profiles__Label m = PERFTOOLS__PROFILES__LABEL__INIT;

	m.key = key;
	m.str = text;
	return m;
}

static Perftools__Profiles__Label number_label(uint32_t key, int64_t number)
{
	Perftools__Profiles__Label m = PERFTOOLS__PROFILES__LABEL__INIT;

	m.key = key;
	m.num = number;
	return m;
}

static void put_sample(struct stream *s, const struct profile *p, const struct keys *keys,
	const struct profile_sample *sample, uint64_t *ids)
{
	Perftools__Profiles__Sample m = PERFTOOLS__PROFILES__SAMPLE__INIT;
	Perftools__Profiles__Label labels[7], *list[7];

	for (uint32_t i = 0; i < sample->n_locations; i++)
		ids[i] = p->sample_locations[sample->first_location + i];
	m.location_id = ids;
	m.n_location_id = sample->n_locations;
	m.value = (int64_t *)sample->values;
	m.n_value = p->n_types;
	m.label = list;
	if (sample->thread_name)
		labels[m.n_label++] = string_label(keys->thread_name, sample->thread_name);
	if (sample->tid)
		labels[m.n_label++] = number_label(keys->tid, sample->tid);
	if (sample->goroutine)
		labels[m.n_label++] = number_label(keys->goroutine, sample->goroutine);
	if (sample->pid)
		labels[m.n_label++] = number_label(keys->pid, sample->pid);
	if (sample->state)
		labels[m.n_label++] = string_label(keys->state, sample->state);
	if (sample->kind)
		labels[m.n_label++] = string_label(keys->kind, sample->kind);
	if (sample->lock)
		labels[m.n_label++] = string_label(keys->lock, sample->lock);
	for (size_t i = 0; i < m.n_label; i++)
		list[i] = &labels[i];
	put_message(s, 2, &m.base);
}

static void put_samples(struct stream *s, const struct profile *p, const struct keys *keys)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < p->n_samples; i++)
		if (p->samples[i].n_locations > most)
			most = p->samples[i].n_locations;
	uint64_t *ids = malloc(most * sizeof(*ids));
	if (!ids) {
		s->error = -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < p->n_samples; i++)
		put_sample(s, p, keys, &p->samples[i], ids);
	free(ids);
}

static void put_mappings(struct stream *s, const struct profile *p)
{
	for (uint32_t i = 0; i < p->n_mappings; i++) {
		const struct profile_mapping *from = &p->mappings[i];
		Perftools__Profiles__Mapping m = PERFTOOLS__PROFILES__MAPPING__INIT;
		m.id = i + 1;
		m.memory_start = from->start;
		m.memory_limit = from->limit;
		m.file_offset = from->offset;
		m.filename = from->file;
		m.build_id = from->build_id;
		m.has_functions = from->has_functions;
		m.has_filenames = from->has_filenames;
		m.has_line_numbers = from->has_line_numbers;
		m.has_inline_frames = from->has_inline_frames;
		put_message(s, 3, &m.base);
	}
}

static void put_location(struct stream *s, const struct profile *p, uint32_t number)
{
	const struct profile_location *from = &p->locations[number];
	Perftools__Profiles__Location m = PERFTOOLS__PROFILES__LOCATION__INIT;
	Perftools__Profiles__Line *lines = calloc(from->n_lines + 1, sizeof(*lines));
	Perftools__Profiles__Line **list = calloc(from->n_lines + 1, sizeof(*list));

	if (lines && list) {
		for (uint32_t i = 0; i < from->n_lines; i++) {
			perftools__profiles__line__init(&lines[i]);
			lines[i].function_id = p->lines[from->first_line + i].function;
			lines[i].line = p->lines[from->first_line + i].line;
			list[i] = &lines[i];
		}
		m.id = number + 1;
		m.mapping_id = from->mapping;
		m.address = from->address;
		m.line = list;
		m.n_line = from->n_lines;
		put_message(s, 4, &m.base);
	} else {
		s->error = -ENOMEM;
	}
	free(lines);
	free(list);
}

static void put_functions(struct stream *s, const struct profile *p)
{
	for (uint32_t i = 0; i < p->n_functions; i++) {
		const struct profile_function *from = &p->functions[i];
		Perftools__Profiles__Function m = PERFTOOLS__PROFILES__FUNCTION__INIT;
		m.id = i + 1;
		m.name = from->name;
		m.system_name = from->system_name;
		m.filename = from->file;
		m.start_line = from->start_line;
		put_message(s, 5, &m.base);
	}
}

static void put_strings(struct stream *s, const struct profile *p)
{
	for (uint32_t i = 0; i < strings_count(p->strings); i++) {
		const char *text = strings_text(p->strings, i);
		put_bytes(s, 6, text, strlen(text));
	}
}

/* All that is a plain field: packed as a Profile with nothing else in it. */
static void put_header(struct stream *s, const struct profile *p)
{
	Perftools__Profiles__Profile m = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__ValueType type = PERFTOOLS__PROFILES__VALUE_TYPE__INIT;
	int64_t comments[4];

	type.type = p->period_type.type;
	type.unit = p->period_type.unit;
	m.period_type = &type;
	m.period = p->period;
	m.time_nanos = p->time;
	m.duration_nanos = p->duration;
	m.default_sample_type = p->default_type;
	for (uint32_t i = 0; i < p->n_comments; i++)
		comments[i] = p->comments[i];
	m.comment = comments;
	m.n_comment = p->n_comments;
	size_t n = perftools__profiles__profile__get_packed_size(&m);
	uint8_t *packed = malloc(n + 1);
	if (!packed) {
		s->error = -ENOMEM;
		return;
	}
	perftools__profiles__profile__pack(&m, packed);
	put_compressed(s, packed, n, Z_NO_FLUSH);
	free(packed);
}

static int find_keys(const struct profile *p, struct keys *keys)
{
	long name = strings_id(p->strings, "thread_name"), tid = strings_id(p->strings, "tid");
	long state = strings_id(p->strings, "state");
	long pid = p->has_pids ? strings_id(p->strings, "pid") : 0;

	long kind = p->has_waits ? strings_id(p->strings, "kind") : 0;
	long lock = p->has_waits ? strings_id(p->strings, "lock") : 0;
	long goroutine = p->has_goroutines ? strings_id(p->strings, "goroutine") : 0;

	if (name < 0 || tid < 0 || state < 0 || pid < 0 || kind < 0 || lock < 0 || goroutine < 0)
		return -ENOMEM;
	*keys = (struct keys){name, tid, pid, state, kind, lock, goroutine};
	return 0;
}

static void put_all(struct stream *s, const struct profile *p)
{
	struct keys keys;

	s->error = find_keys(p, &keys);
	if (s->error)
		return;
	put_types(s, p);
	put_samples(s, p, &keys);
	put_mappings(s, p);
	for (uint32_t i = 0; i < p->n_locations && !s->error; i++)
		put_location(s, p, i);
	put_functions(s, p);
	put_header(s, p);
	put_strings(s, p);
}

static int put_gzipped(struct stream *s, const struct profile *p)
{
	if (deflateInit2(&s->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	put_all(s, p);
	put_compressed(s, NULL, 0, Z_FINISH);
	deflateEnd(&s->z);
	return s->error;
}

int pprof_write(const struct profile *p, struct sink *sink)
{
	struct stream s = {.sink = sink};

	return put_gzipped(&s, p);
}

int pprof_bytes(const struct profile *p, struct buf *out)
{
	struct stream s = {.memory = out};

	return put_gzipped(&s, p);
}

int pprof_size(const struct profile *p, uint64_t *bytes)
{
	struct stream s = {0};

	put_all(&s, p);
	*bytes = s.bytes;
	return s.error;
}
