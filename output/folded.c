/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "output/folded.h"

struct line {
	char *stack;
	int64_t value;
};

/* Bytes of a control character (C0, DEL, C1 in UTF-8) at p; 0: it is none. */
static size_t control_length(const unsigned char *p)
{
	if (*p < ' ' || *p == 0x7f)
		return 1;
	return p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f ? 2 : 0;
}

/* A name as one frame: what the format uses itself, or a terminal obeys, must not be in it. */
static void put_name(struct buf *b, const char *name)
{
	while (*name) {
		size_t control = control_length((const unsigned char *)name);
		char c = *name == ';' ? ':' : control ? ' ' : *name;
		buf_append(b, &c, 1);
		name += control ? control : 1;
	}
}

/* The offset in the file, which is the same in each run. */
static void put_place(struct buf *b, const struct profile *p, const struct profile_location *l)
{
	if (!l->mapping) {
		buf_printf(b, ";0x%" PRIx64, l->address);
		return;
	}
	const struct profile_mapping *m = &p->mappings[l->mapping - 1];
	buf_string(b, ";[");
	put_name(b, path_base(strings_text(p->strings, m->file)));
	buf_printf(b, "+0x%" PRIx64 "]", l->address - m->start + m->offset);
}

static void put_location(struct buf *b, const struct profile *p, const struct profile_location *l)
{
	if (!l->n_lines)
		put_place(b, p, l);
	for (uint32_t i = l->n_lines; i-- > 0;) {
		const struct profile_line *line = &p->lines[l->first_line + i];
		buf_string(b, ";");
		put_name(b, strings_text(p->strings, p->functions[line->function - 1].name));
	}
}

static char *stack_text(const struct profile *p, const struct profile_sample *s)
{
	struct buf b;
	char *text = NULL;

	buf_init(&b, LIMIT_STRINGS);
	put_name(&b, s->thread_name ? strings_text(p->strings, s->thread_name) : "[process]");
	for (uint32_t i = s->n_locations; i-- > 0;)
		put_location(&b, p, &p->locations[p->sample_locations[s->first_location + i] - 1]);
	if (buf_text(&b))
		text = strdup(b.data);
	buf_fini(&b);
	return text;
}

static int by_stack(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->stack, ((const struct line *)b)->stack);
}

/* Equal stacks are neighbours: one line each. */
static int put_lines(const struct line *v, uint32_t n, struct sink *sink)
{
	struct buf b;
	int error = 0;

	buf_init(&b, LIMIT_STRINGS);
	for (uint32_t i = 0, next; i < n && !error; i = next) {
		int64_t sum = 0;
		for (next = i; next < n && !strcmp(v[next].stack, v[i].stack); next++)
			sum += v[next].value;
		buf_clear(&b);
		buf_printf(&b, "%s %" PRId64 "\n", v[i].stack, sum);
		error = b.failed ? b.failed : sink_write(sink, b.data, b.len);
	}
	buf_fini(&b);
	return error;
}

int folded_write(const struct profile *p, struct sink *sink)
{
	struct line *v = calloc(p->n_samples + 1, sizeof(*v));
	int error = v ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < p->n_samples && !error; i++) {
		v[i].stack = stack_text(p, &p->samples[i]);
		v[i].value = p->samples[i].values[p->main_type];
		error = v[i].stack ? 0 : -ENOMEM;
	}
	if (!error) {
		qsort(v, p->n_samples, sizeof(*v), by_stack);
		error = put_lines(v, p->n_samples, sink);
	}
	for (uint32_t i = 0; v && i < p->n_samples; i++)
		free(v[i].stack);
	free(v);
	return error;
}
