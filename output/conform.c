/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output/conform_parts.h"

#define STRING_MAX 65536u /* Pyroscope's default limit */

void conform_say(const struct conform *c, int warning, const char *format, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	c->report(c->arg, warning, line);
}

const char *conform_text(const struct conform *c, int64_t id, const char *what, size_t number)
{
	if (id >= 0 && (uint64_t)id < c->p->n_string_table)
		return c->p->string_table[id];
	conform_say(
		c, 0, "%s %zu: string %" PRId64 " of %zu", what, number, id, c->p->n_string_table);
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
		conform_say(c, 0, "string 0 is not \"\"");
	for (size_t i = 0; i < p->n_string_table; i++) {
		if (!is_utf8((const unsigned char *)p->string_table[i]))
			conform_say(c, 0, "string %zu: not valid UTF-8", i);
		if (strlen(p->string_table[i]) > STRING_MAX)
			conform_say(c, 1, "string %zu: longer than %u bytes", i, STRING_MAX);
	}
}

int conform_is_name(const char *text, const char *allowed)
{
	return *text && strchr(LETTERS, *text) && !text[strspn(text, allowed)];
}

/* Parca's rule: with these four it names the profile. */
static int is_type_name(const char *text)
{
	return conform_is_name(text, LETTERS "0123456789");
}

static void check_type(const struct conform *c, const Perftools__Profiles__ValueType *type,
	const char *what, size_t number)
{
	const char *name = conform_text(c, type->type, what, number);
	const char *unit = conform_text(c, type->unit, what, number);

	if (name && !is_type_name(name))
		conform_say(c, 0, "%s %zu: \"%.40s\" is not a name", what, number, name);
	if (unit && !is_type_name(unit))
		conform_say(c, 0, "%s %zu: unit \"%.40s\" is not a name", what, number, unit);
}

static void check_types(const struct conform *c)
{
	const Profile *p = c->p;
	int default_found = !p->default_sample_type;

	if (!p->n_sample_type)
		conform_say(c, 0, "no sample type");
	for (size_t i = 0; i < p->n_sample_type; i++) {
		check_type(c, p->sample_type[i], "sample type", i);
		default_found |= p->sample_type[i]->type == p->default_sample_type;
	}
	if (!default_found)
		conform_say(c, 0, "the default sample type is none of the sample types");
}

static void check_header(const struct conform *c)
{
	const Profile *p = c->p;

	if (!p->period_type)
		conform_say(c, 0, "no period type");
	else
		check_type(c, p->period_type, "period type", 0);
	if (p->period <= 0)
		conform_say(c, 1, "no period");
	conform_text(c, p->drop_frames, "drop_frames", 0);
	conform_text(c, p->keep_frames, "keep_frames", 0);
	conform_text(c, p->doc_url, "doc_url", 0);
	if (p->time_nanos <= 0)
		conform_say(c, 0, "no time");
	if (p->duration_nanos < 0)
		conform_say(c, 0, "negative duration");
	for (size_t i = 0; i < p->n_comment; i++)
		conform_text(c, p->comment[i], "comment", i);
	if (p->n_comment > 4)
		conform_say(c, 1, "%zu comments; each is printed above every report", p->n_comment);
}

void conform(const Perftools__Profiles__Profile *p, conform_report *report, void *arg)
{
	struct conform c = {p, report, arg};

	check_strings(&c);
	check_types(&c);
	check_header(&c);
	conform_tables(&c);
	conform_samples(&c);
}
