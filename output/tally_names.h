/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of a profile as numbers of their names, for tally.c: the same number, the same text.
 * By sorting: a foreign file could make any hash table slow.
 */
#ifndef OUTPUT_TALLY_NAMES_H
#define OUTPUT_TALLY_NAMES_H

#include "output/profile.pb-c.h"

struct tally_frame {
	uint32_t name, file; /* in texts, which are ascending */
	int64_t line;
};

struct tally_names {
	const char **texts;
	uint32_t n_texts;
	char *hands_on; /* of each text: a function between the program and its allocator */
	struct tally_frame *frames;
	uint32_t *first; /* of each location, in frames; one more at the end */
	uint64_t *ids;	 /* of the locations, ascending; NULL: they are 1..n */
	uint32_t *at;	 /* which location that is */
	uint32_t n_locations;
	char (*mappings)[264]; /* "[app]" for code without names */
	uint32_t unknown;      /* the text "<unknown>" */
};

/* Whether id is that of one of the profile's strings. */
int tally_names_has(const Perftools__Profiles__Profile *p, int64_t id);

/* 0, -EPROTO, -E2BIG or -ENOMEM; in all cases the caller calls tally_names_fini. */
int tally_names_init(struct tally_names *names, const Perftools__Profiles__Profile *p);
void tally_names_fini(struct tally_names *names);

/* The location of that id; -1: there is none. */
long tally_names_location(const struct tally_names *names, uint64_t id);

#endif
