/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/path.h"
#include "output/go_quote.h"
#include "output/legacy.h"
#include "output/tabs.h"

#define NOWHERE (1ull << 63) /* and above: between what programs and what the kernel can have */
#define SHOWN	(4 * LIMIT_LINKAGE_NAME + 1)

/* Values of the heap profiles (output/profile.h). */
enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE };

/* Samples of equal stacks and labels. */
struct row {
	const struct profile_sample *sample; /* the first of them */
	size_t labels;			     /* in the buffer of labels, with a NUL; "": none */
	int64_t values[PROFILE_VALUES];
};

struct legacy {
	const struct profile *p;
	uint64_t *raw; /* of each location, as it is behind "@" */
	struct buf labels;
	struct row *rows;
	uint32_t n_rows;
	struct tabs tabs;
};

static const char *text(const struct legacy *l, uint32_t id)
{
	return strings_text(l->p->strings, id);
}

static uint32_t number_at(const struct legacy *l, const struct profile_sample *s, uint32_t depth)
{
	return l->p->sample_locations[s->first_location + depth] - 1;
}

static const struct profile_function *function_of(
	const struct legacy *l, const struct profile_location *at, uint32_t line)
{
	return &l->p->functions[l->p->lines[at->first_line + line].function - 1];
}

/* The function that is at the address, not what was inlined into it; "" if it is not known. */
static const char *outer_name(const struct legacy *l, const struct profile_location *at)
{
	return at->n_lines ? text(l, function_of(l, at, at->n_lines - 1)->name) : "";
}

static int set_addresses(struct legacy *l)
{
	const struct profile *p = l->p;

	l->raw = calloc(p->n_locations + 1, sizeof(*l->raw));
	for (uint32_t i = 0; i < p->n_locations && l->raw; i++) {
		const struct profile_location *at = &p->locations[i];
		const char *name = outer_name(l, at);
		l->raw[i] = at->mapping ? at->address + 1
					: NOWHERE + (hash_bytes(name, strlen(name)) >> 2) + 1;
	}
	return l->raw ? 0 : -ENOMEM;
}

static int is_of_heap(const struct legacy *l)
{
	return !!(KIND(l->p->kind) & KINDS_OF_HEAP);
}

/* --- rows --------------------------------------------------------------------------------- */

static void put_label(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ", ", key);
	go_quote(out, value);
}

/* {"kind":"mutex", "lock":"stock"}: by key. */
static int add_labels(struct legacy *l, const struct profile_sample *s, size_t *start)
{
	struct buf *out = &l->labels;
	char pid[24];

	*start = out->len;
	if (s->kind || s->lock || s->pid || s->state || s->thread_name) {
		snprintf(pid, sizeof(pid), "%" PRId64, s->pid);
		if (buf_string(out, "{"))
			return out->failed;
		if (s->kind)
			put_label(out, "kind", text(l, s->kind));
		if (s->lock)
			put_label(out, "lock", text(l, s->lock));
		if (s->pid)
			put_label(out, "pid", pid);
		if (s->state)
			put_label(out, "state", text(l, s->state));
		if (s->thread_name)
			put_label(out, "thread_name", text(l, s->thread_name));
		buf_string(out, "}");
	}
	buf_append(out, "", 1);
	return out->failed;
}

/* The order of their texts "0x...": what ends first is the smaller. */
static int by_hex(uint64_t a, uint64_t b)
{
	unsigned digits_a = (67 - __builtin_clzll(a | 1)) / 4,
		 digits_b = (67 - __builtin_clzll(b | 1)) / 4;
	uint64_t left_a = a << (64 - 4 * digits_a), left_b = b << (64 - 4 * digits_b);

	if (left_a != left_b)
		return left_a < left_b ? -1 : 1;
	return (digits_a > digits_b) - (digits_a < digits_b);
}

/* The order of Go's keys, the texts from "@" on. Locations of one address are told apart. */
static int by_key(const void *a, const void *b, void *arg)
{
	const struct legacy *l = arg;
	const struct row *x = a, *y = b;
	const struct profile_sample *s = x->sample, *t = y->sample;
	uint32_t n = s->n_locations < t->n_locations ? s->n_locations : t->n_locations;
	int order = 0;

	for (uint32_t i = 0; i < n && !order; i++)
		order = by_hex(l->raw[number_at(l, s, i)], l->raw[number_at(l, t, i)]);
	if (!order)
		order = (s->n_locations > n) - (t->n_locations > n);
	if (!order)
		order = strcmp(l->labels.data + x->labels, l->labels.data + y->labels);
	for (uint32_t i = 0; i < n && !order; i++) {
		uint32_t one = number_at(l, s, i), other = number_at(l, t, i);
		order = (one > other) - (one < other);
	}
	return order;
}

/* The biggest first: by the number, of contentions by the time, of either heap profile by what is
 * in use. */
static int by_size(const void *a, const void *b, void *arg)
{
	const struct legacy *l = arg;
	const struct row *x = a, *y = b;
	uint32_t by = is_of_heap(l) ? INUSE_SPACE : l->p->main_type;
	int64_t one = x->values[by], other = y->values[by];

	if (one != other)
		return one > other ? -1 : 1;
	return by_key(a, b, arg);
}

static void join_equal(struct legacy *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_rows; i++) {
		if (!n || by_key(&l->rows[n - 1], &l->rows[i], l)) {
			l->rows[n++] = l->rows[i];
			continue;
		}
		for (unsigned v = 0; v < PROFILE_VALUES; v++)
			l->rows[n - 1].values[v] += l->rows[i].values[v];
	}
	l->n_rows = n;
}

static int make_rows(struct legacy *l)
{
	l->rows = calloc(l->p->n_samples + 1, sizeof(*l->rows));
	if (!l->rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->p->n_samples; i++) {
		const struct profile_sample *s = &l->p->samples[i];
		struct row *row = &l->rows[l->n_rows++];
		*row = (struct row){.sample = s};
		memcpy(row->values, s->values, sizeof(row->values));
		int error = add_labels(l, s, &row->labels);
		if (error)
			return error;
	}
	qsort_r(l->rows, l->n_rows, sizeof(*l->rows), by_key, l);
	join_equal(l);
	qsort_r(l->rows, l->n_rows, sizeof(*l->rows), by_size, l);
	return 0;
}

/* --- what people read of a stack ------------------------------------------------------------ */

static void add_cell(struct legacy *l, const char *value)
{
	char shown[SHOWN];

	tabs_cell(&l->tabs, log_escape(shown, sizeof(shown), value));
}

static const char *file_of(const struct legacy *l, const struct profile_location *at)
{
	return at->mapping ? text(l, l->p->mappings[at->mapping - 1].file) : "";
}

static int add_line(struct legacy *l, const struct profile_location *at, uint32_t raw,
	const char *name, const char *file, uint32_t line)
{
	char place[SHOWN];
	int error = tabs_row(&l->tabs);

	if (error)
		return error;
	snprintf(place, sizeof(place), "0x%" PRIx64, l->raw[raw] - 1);
	tabs_cell(&l->tabs, "#");
	tabs_cell(&l->tabs, place);
	add_cell(l, name);
	snprintf(place, sizeof(place), "%s:%u", *file ? file : file_of(l, at), line);
	if (*file || at->mapping)
		add_cell(l, place);
	return l->tabs.text.failed;
}

/* What stands for a name there (output/builder.c). */
static void mapping_name(
	const struct legacy *l, const struct profile_location *at, char *name, size_t room)
{
	snprintf(name, room, "[%.255s]", path_base(file_of(l, at)));
}

static int is_nameless(const struct legacy *l, const struct profile_location *at)
{
	char name[320];

	mapping_name(l, at, name, sizeof(name));
	return !at->n_lines || (at->mapping && !strcmp(outer_name(l, at), name));
}

/* The offset is that in the file, the same in each run. */
static int add_nameless(struct legacy *l, const struct profile_location *at, uint32_t raw)
{
	char name[320], place[400];
	uint64_t offset = at->address;

	if (at->mapping) {
		const struct profile_mapping *m = &l->p->mappings[at->mapping - 1];
		offset = at->address - m->start + m->offset;
	}
	mapping_name(l, at, name, sizeof(name));
	snprintf(place, sizeof(place), "%s+0x%" PRIx64, name, offset);
	return add_line(l, at, raw, place, "", 0);
}

static int add_location(struct legacy *l, uint32_t number)
{
	const struct profile_location *at = &l->p->locations[number];
	int error = 0;

	if (is_nameless(l, at))
		return add_nameless(l, at, number);
	for (uint32_t i = 0; i < at->n_lines && !error; i++) {
		const struct profile_function *f = function_of(l, at, i);
		error = add_line(l, at, number, text(l, f->name), text(l, f->file),
			l->p->lines[at->first_line + i].line);
	}
	return error;
}

/* --- the whole ---------------------------------------------------------------------------- */

/* No row without an address: pprof refuses the text. */
static void put_addresses(const struct legacy *l, const struct profile_sample *s, struct buf *out)
{
	buf_string(out, "@");
	for (uint32_t i = 0; i < s->n_locations; i++)
		buf_printf(out, " 0x%" PRIx64, l->raw[number_at(l, s, i)]);
	buf_string(out, s->n_locations ? "\n" : " 0x1\n");
}

static void put_heap_values(const int64_t *v, struct buf *out)
{
	buf_printf(out, "%" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "] ", v[INUSE_OBJECTS],
		v[INUSE_SPACE], v[ALLOC_OBJECTS], v[ALLOC_SPACE]);
}

static int put_row(struct legacy *l, const struct row *row, struct buf *out)
{
	const struct profile_sample *s = row->sample;
	const char *labels = l->labels.data + row->labels;
	int error = 0;

	if (is_of_heap(l))
		put_heap_values(row->values, out);
	else if (l->p->n_types > 1)
		buf_printf(out, "%" PRId64 " ", row->values[1]);
	if (!is_of_heap(l))
		buf_printf(out, "%" PRId64 " ", row->values[0]);
	put_addresses(l, s, out);
	if (*labels)
		buf_printf(out, "# labels: %s\n", labels);
	for (uint32_t i = 0; i < s->n_locations && !error; i++)
		error = add_location(l, number_at(l, s, i));
	if (!error)
		error = tabs_put(&l->tabs, out);
	buf_string(out, "\n");
	return error;
}

/* What pprof makes of it: it scales what is sampled by half the number behind the slash, unless
 * that is 1; these are estimates already. It takes equal sums in both pairs for a text that does
 * not tell what was allocated from what is in use. */
static void put_heap_head(const int64_t *total, struct buf *out)
{
	int64_t sums[PROFILE_VALUES];

	memcpy(sums, total, sizeof(sums));
	sums[ALLOC_SPACE] += sums[ALLOC_SPACE] == sums[INUSE_SPACE];
	buf_string(out, "heap profile: ");
	put_heap_values(sums, out);
	buf_string(out, "@ heap/2\n");
}

static void put_head(const struct legacy *l, struct buf *out)
{
	int64_t totals[PROFILE_VALUES] = {0}, total;

	for (uint32_t i = 0; i < l->n_rows; i++)
		for (unsigned v = 0; v < PROFILE_VALUES; v++)
			totals[v] += l->rows[i].values[v];
	total = totals[0];
	if (is_of_heap(l))
		put_heap_head(totals, out);
	else if (l->p->kind == PROFILE_BLOCK)
		buf_string(out, "--- contention:\ncycles/second=1000000000\n");
	else if (l->p->kind == PROFILE_MUTEX)
		buf_string(out, "--- mutex:\ncycles/second=1000000000\nsampling period=1\n");
	else
		buf_printf(out, "%s profile: total %" PRId64 "\n", text(l, l->p->types[0].type),
			total);
}

/* pprof takes the name from the last slash on, up to a blank, and looks for a file unless it begins
 * with a bracket. */
static void put_name(const struct legacy *l, const struct profile_location *at, struct buf *out)
{
	char shown[SHOWN];
	const char *name = outer_name(l, at);

	log_escape(shown, sizeof(shown), name);
	for (char *p = shown; *p; p++)
		if (*p == ' ' || *p == '/')
			*p = '_';
	buf_printf(out, *shown == '[' ? "%s\n" : "[%s]\n", shown);
}

static void put_maps(const struct legacy *l, const char *maps, struct buf *out)
{
	size_t n = strlen(maps);

	buf_string(out, "--- Memory map: ---\n");
	buf_append(out, maps, n);
	if (n && maps[n - 1] != '\n')
		buf_string(out, "\n");
	for (uint32_t i = 0; i < l->p->n_locations; i++) {
		const struct profile_location *at = &l->p->locations[i];
		if (at->mapping)
			continue;
		buf_printf(out, "%" PRIx64 "-%" PRIx64 " r-xp 00000000 00:00 0 ", l->raw[i] - 1,
			l->raw[i]);
		put_name(l, at, out);
	}
}

/* Where Go has what its runtime says of its memory. */
static void put_comments(const struct legacy *l, struct buf *out)
{
	char shown[SHOWN];

	for (uint32_t i = 0; i < l->p->n_comments && is_of_heap(l); i++)
		buf_printf(out, "# %s\n",
			log_escape(shown, sizeof(shown), text(l, l->p->comments[i])));
}

int legacy_text(const struct profile *p, const char *maps, struct buf *out)
{
	struct legacy l = {.p = p};

	if (p->kind == PROFILE_CPU || p->kind == PROFILE_WALL)
		return -ENOTSUP;
	buf_init(&l.labels, LIMIT_STRINGS);
	tabs_init(&l.tabs, LIMIT_STRINGS);
	int error = set_addresses(&l);
	if (!error)
		error = make_rows(&l);
	if (!error)
		put_head(&l, out);
	for (uint32_t i = 0; i < l.n_rows && !error; i++)
		error = put_row(&l, &l.rows[i], out);
	if (!error)
		put_comments(&l, out);
	if (!error && maps)
		put_maps(&l, maps, out);
	free(l.raw);
	free(l.rows);
	buf_fini(&l.labels);
	tabs_fini(&l.tabs);
	return error ? error : out->failed;
}
