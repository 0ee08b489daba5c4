/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/push/labels.h"
#include "base/buf.h"
#include "base/utf8.h"

/* Not longer than the stores take, and no half character at the end. */
static size_t fitting(const char *value)
{
	size_t n = 0;
	int more;

	while (value[n]) {
		more = utf8_sequence((const unsigned char *)value + n);
		if (n + more > PUSH_LABEL_VALUE)
			break;
		n += more;
	}
	return n;
}

static int add(struct labels *l, const char *name, size_t name_length, const char *value)
{
	struct buf b;

	buf_init(&b, name_length + 4 * strlen(value) + 8);
	buf_append(&b, name, name_length);
	buf_append(&b, "", 1);
	utf8_repair(value, &b);
	buf_append(&b, "", 1);
	if (b.failed) {
		buf_fini(&b);
		return -ENOMEM;
	}
	char *text = b.data, *repaired = text + name_length + 1;
	repaired[fitting(repaired)] = '\0';
	l->text[l->n] = text;
	l->v[l->n++] = (struct label){text, repaired};
	return 0;
}

const char *labels_value(const struct labels *l, const char *name)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return l->v[i].value;
	return NULL;
}

static int add_missing(struct labels *l, const char *name, const char *value)
{
	return labels_value(l, name) ? 0 : add(l, name, strlen(name), value);
}

static const char *service_of(const struct labels_program *program)
{
	if (program->service && *program->service)
		return program->service;
	return program->comm && *program->comm ? program->comm : "unknown";
}

static int add_program(struct labels *l, const struct labels_program *program)
{
	char instance[512];

	if (program->host && *program->host)
		snprintf(instance, sizeof(instance), "%s:%d", program->host, program->pid);
	else
		snprintf(instance, sizeof(instance), "%d", program->pid);
	int error = add_missing(l, "service_name", service_of(program));
	return error ? error : add_missing(l, "instance", instance);
}

int labels_make(
	struct labels *l, const struct push_options *o, const struct labels_program *program)
{
	int error = 0;

	*l = (struct labels){.n = 0};
	for (uint32_t i = 0; i < o->n_labels && !error; i++) {
		const struct push_label *given = &o->labels[i];
		error = add(
			l, given->text, given->name_length, given->text + given->name_length + 1);
	}
	if (!error)
		error = add_program(l, program);
	if (error)
		labels_fini(l);
	return error;
}

void labels_fini(struct labels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		free(l->text[i]);
	l->n = 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

uint32_t labels_with(
	const struct labels *given, const struct label *ours, uint32_t n, struct label *out)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < given->n; i++)
		out[all++] = given->v[i];
	for (uint32_t i = 0; i < n; i++)
		if (!labels_value(given, ours[i].name))
			out[all++] = ours[i];
	qsort(out, all, sizeof(*out), by_name);
	return all;
}
