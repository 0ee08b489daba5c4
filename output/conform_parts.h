/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of conform(); for conform.c, conform_tables.c and conform_samples.c only.
 */
#ifndef OUTPUT_CONFORM_PARTS_H
#define OUTPUT_CONFORM_PARTS_H

#include <stddef.h>

#include "output/conform.h"

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Function Function;

struct conform {
	const Profile *p;
	conform_report *report;
	void *arg;
};

void conform_say(const struct conform *c, int warning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The string, or NULL after saying that there is none. */
const char *conform_text(const struct conform *c, int64_t id, const char *what, size_t number);

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

/* Begins with a letter and has only what is allowed. */
int conform_is_name(const char *text, const char *allowed);

/* Mappings, locations, functions; and strings, for what is there twice. */
void conform_tables(const struct conform *c);

void conform_samples(const struct conform *c);

#endif
