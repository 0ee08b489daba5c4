/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One profile, ready to be written in any format: tables that refer to each other by position.
 *
 * Strings are ids of the profile's own table (0 is ""). Function, location and mapping numbers are
 * 1..n in table order, 0 means none, as profile.proto wants them. mappings[0] is the executable.
 * Values: threads, threadcreate, goroutine: {count}; cpu, wall: {samples, nanoseconds}; block,
 * mutex: {contentions, nanoseconds}; heap, allocs: {alloc_objects, alloc_space, inuse_objects,
 * inuse_space} or a half of them, estimated from what was sampled (output/estimate.h).
 *
 * CPU weights: a thread's CPU time in the window, divided over its samples; rounding is cumulative,
 * so a thread's weights add up to its CPU time exactly. CPU of threads without a sample becomes one
 * sample of the pseudo-frame PSEUDO_UNSAMPLED, ended_cpu one of PSEUDO_ENDED (both with count 0),
 * but for what the samples of threads that came and went stand for (output/weights.h).
 *
 * Times of wall, block and mutex: what a sample stands for among all ticks, of the window; so a
 * thread that was there all the time has the window's time, whatever ticks were missed.
 *
 * A mapping has its has_ flags set as soon as one of its frames has a function; its frames without
 * one then get the function "[basename]". A mapping with none keeps all flags clear and its frames
 * no lines, so that a consumer can still resolve them by build id.
 */
#ifndef OUTPUT_PROFILE_H
#define OUTPUT_PROFILE_H

#include "output/strings.h"
#include "output/types.h"

struct table;
struct symbols;

struct heap_site;

/* Which of a heap profile's values there are. Stores want sums of a time apart from the state of a
 * moment. */
enum heap_part {
	HEAP_ALL,
	HEAP_ALLOCATED, /* alloc_objects, alloc_space */
	HEAP_IN_USE	/* inuse_objects, inuse_space */
};

/* What the entries of a heap profile's table stand for: their lock is a position + 1 here. */
struct profile_heap {
	const struct heap_site *sites;
	uint32_t n;
	uint64_t mean; /* bytes, as asked */
	enum heap_part part;
};

struct profile_input {
	enum profile_kind kind;
	const struct table *table;
	const struct symbols *symbols;
	const struct thread_info *threads;
	uint32_t n_threads;
	int with_pids;	/* several processes: samples have a label that says of which */
	int is_like_go; /* threads: their type has the name of Go's goroutines */
	const struct module_info *modules; /* id - 1 */
	uint32_t n_modules;
	uint32_t program;		/* module id of the executable; 0: the first there is */
	const struct segment *segments; /* of all modules, oldest first */
	uint32_t n_segments;
	uint64_t ended_cpu; /* ns, see PSEUDO_ENDED */
	uint64_t time;	    /* CLOCK_REALTIME at the start, ns */
	uint64_t duration;  /* ns; 0 for a snapshot */
	uint32_t hz;
	uint64_t ticks_weight;		 /* of all ticks of the window; 0: as hz says */
	const struct profile_heap *heap; /* of heap, allocs */
	int is_in_ns;			 /* weights are times already; not of cpu */
	/* The name of a lock of that thread's process; NULL: it has none. NULL: no names at all. */
	const char *(*lock_name)(const void *arg, const struct thread_info *thread, uint64_t lock);
	const void *lock_arg;
	const char *comments;  /* lines, each ending in a newline */
	uint32_t most_samples; /* 0: any number */
	uint64_t most_bytes;   /* as pprof, uncompressed; 0: any number */
};

/* What Pyroscope takes by default. */
#define PROFILE_SAMPLES_MAX 16000u
#define PROFILE_BYTES_MAX   (4 * MIB)

/* Samples of different threads that were joined to stay within the limits. */
enum profile_merged {
	MERGED_NOT,
	MERGED_TIDS,	/* threads of one name; no tids */
	MERGED_THREADS, /* all threads; no thread names and no pids either */
	MERGED_IN_VAIN, /* not even that would do, so nothing was joined */
};

struct profile_type {
	uint32_t type, unit;
};

struct profile_mapping {
	uint64_t start, limit, offset;
	uint32_t file, build_id;
	uint32_t has_functions, has_filenames, has_line_numbers, has_inline_frames;
};

struct profile_function {
	uint32_t name, system_name, file, start_line;
};

struct profile_line {
	uint32_t function, line;
};

struct profile_location {
	uint64_t address;
	uint32_t mapping;
	uint32_t first_line, n_lines; /* in lines; innermost first */
};

#define PROFILE_VALUES 4u

struct profile_sample {
	uint32_t first_location, n_locations; /* in sample_locations, leaf first; numbers 1..n */
	int64_t values[PROFILE_VALUES];
	double variance[2];   /* heap, allocs: of the bytes allocated, and of those in use */
	uint32_t thread_name; /* string; 0 none */
	uint32_t state;	      /* string; 0 none */
	uint32_t kind, lock;  /* strings; 0 none */
	int64_t tid;	      /* 0 none */
	uint64_t goroutine;   /* its number; 0 none */
	int64_t pid;	      /* 0 none */
};

struct profile {
	enum profile_kind kind;
	enum profile_merged merged;
	int has_pids;	    /* samples may have one */
	int has_goroutines; /* samples may have one */
	int has_waits;	    /* samples may have a kind and a lock */
	struct strings *strings;
	struct profile_type types[PROFILE_VALUES];
	uint32_t n_types;
	uint32_t main_type; /* the one that is shown where only one is */
	struct profile_type period_type;
	uint32_t default_type; /* string */
	int64_t period, time, duration;
	uint32_t comments[4], n_comments;
	struct profile_mapping *mappings;
	struct profile_function *functions;
	struct profile_line *lines;
	struct profile_location *locations;
	uint32_t *sample_locations;
	struct profile_sample *samples;
	uint32_t n_mappings, n_functions, n_lines, n_locations, n_sample_locations, n_samples;
};

/* 0, -ENOMEM, or -E2BIG (more strings than LIMIT_STRINGS). Caller frees. Samples that are equal in
 * stack and labels are one. */
int profile_build(const struct profile_input *in, struct profile **out);
void profile_free(struct profile *p);

/* "cpu" and so on; NULL for no such kind. */
const char *profile_kind_name(enum profile_kind kind);

/* What to tell the user of it; NULL: nothing. Also at the end of the profile's last comment. */
const char *profile_merged_text(enum profile_merged merged);

#endif
