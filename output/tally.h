/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile that was read, added up: by function, flat and with all that it calls (a recursive one
 * counts once in a sample), and by the places that allocate; each sum with its variance
 * (output/sampling.h). By the default type, or the last one, as pprof does.
 *
 * Of allocations, what only hands on to the allocator (operator new, std::, Rust's alloc,
 * functions whose name ends in "alloc") is not taken for the place: that is what called it.
 *
 * The profile is foreign: all that its numbers refer to is range-checked.
 */
#ifndef OUTPUT_TALLY_H
#define OUTPUT_TALLY_H

#include "output/measure.h"
#include "output/sampling.h"

/* In the first comment of a heap profile of ours, behind the time at which its samples begin. */
#define TALLY_RUN " s after boot"

struct tally_sum {
	double value, variance;
	double came,
		came_variance; /* of a heap with a run: all that was allocated since it began */
};

struct tally_row {
	const char *name;
	const char *file; /* without its folders; "": unknown, or not asked for */
	int64_t line;	  /* 0: likewise */
	struct tally_sum sum;
};

/* Ascending by name, file, line; each once. */
struct tally_rows {
	struct tally_row *v;
	uint32_t n;
};

struct tally {
	const char *type, *unit;
	const char *file, *build_id; /* of the executable; "" */
	double duration;	     /* seconds; 0: of a moment, or not known */
	int64_t time;		     /* ns */
	struct sampling sampling;
	const char
		*run; /* profiles in which it is the same are of the same samples; NULL: unknown */
	struct sampling came;
	struct tally_sum sum; /* of all samples */
	struct tally_rows flat, cum, places;
	void *names; /* those that are not the profile's */
};

/* Strings are the profile's: it must live as long. 0 (caller calls tally_fini), -EPROTO (its parts
 * do not fit together), -E2BIG (more frames than can be counted), -ENOMEM. */
int tally_take(const Perftools__Profiles__Profile *p, struct tally *t);
void tally_fini(struct tally *t);

/* Whether it is of a stretch of time: twice as much in twice the time. */
int tally_is_of_time(const struct tally *t);

#endif
