/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of a profile while it is built: mappings, functions and locations, each element once.
 * For profile.c only.
 */
#ifndef OUTPUT_BUILDER_H
#define OUTPUT_BUILDER_H

#include "base/index.h"
#include "output/profile.h"

struct place {
	uint64_t offset;
	uint32_t module;
};

struct builder {
	const struct profile_input *in;
	struct profile *p;
	uint32_t *segment_mapping; /* mapping number of each segment; 0: not used yet */
	struct place *places;	   /* of each location */
	struct index by_function, by_place, by_sample;
	uint32_t mappings_room, functions_room, lines_room, locations_room, places_room;
	uint32_t sample_locations_room, samples_room;
	int error; /* the first one; all later calls do nothing */
};

/* Makes mapping 1 the executable. 0 or -errno. */
int builder_init(struct builder *b, const struct profile_input *in, struct profile *p);
void builder_fini(struct builder *b); /* leaves p alone */

/* The string's id; 0 after an error. */
uint32_t builder_string(struct builder *b, const char *text);

/* The location's number, 1..n; 0 after an error. */
uint32_t builder_location(struct builder *b, const struct frame *frame);

/* Once all locations are there: the has_ flags rule of profile.h. */
void builder_complete_mappings(struct builder *b);

#endif
