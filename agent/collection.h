/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that session knows of the target: threads, modules, mappings, figures. Fed by messages of
 * tracers and workers that come and go; what a restarted tracer tells again is recognized.
 *
 * Nothing here is parsed from the target's bytes; counts and ids of the senders are range-checked.
 */
#ifndef AGENT_COLLECTION_H
#define AGENT_COLLECTION_H

#include "base/index.h"
#include "base/message.h"
#include "base/wire.h"

struct table;

struct module {
	struct module_info info; /* path is owned */
	int fd;			 /* its file, to give to a new worker; -1 */
	int debug_fd;		 /* its separate debug file; -1 */
	int wants_debug_file;
	int symtab_only; /* its debug information brought down a worker */
	uint32_t deaths; /* of workers that were reading it */
};

struct generation {
	uint32_t number;
	uint32_t n;
	struct mapping *v; /* with session's module ids */
};

#define GENERATIONS 4u /* kept for a worker that has to start again */

struct collection {
	struct thread_info *threads;
	uint64_t *baseline; /* CPU time of each thread when the window began */
	uint32_t n_threads, threads_room;
	uint32_t *serial_thread; /* serial -> index in threads */
	uint32_t n_serials, serials_room;

	struct module *modules; /* id - 1 */
	uint32_t n_modules, modules_room;
	uint32_t *number_module; /* the present tracer's number - 1 -> id */
	uint32_t n_numbers, numbers_room;

	struct segment *segments;
	uint32_t n_segments, segments_room;
	struct index by_segment;
	uint32_t segments_lost;			    /* mappings that did not fit */
	struct generation generations[GENERATIONS]; /* oldest first; number 0: none */
	struct generation building;
	int building_failed; /* the present one is skipped to its end */

	struct tracer_attached attached;
	struct tracer_stats past; /* sums of tracers that ended */
	struct tracer_stats now;  /* of the present tracer */
	uint64_t clock_begin, clock_end;
	uint32_t threads_ended;

	struct table *tables[PROFILE_KINDS];
	uint64_t received[PROFILE_KINDS];
	uint64_t ends[PROFILE_KINDS][STACK_ENDS];
	uint64_t guessed; /* stacks with a guessed frame */
	uint64_t broken;  /* messages that did not make sense */
};

int collection_init(struct collection *c); /* 0 or -ENOMEM */
void collection_fini(struct collection *c);

/* Before a tracer starts (again): its numbers begin anew, its figures add to those before. */
void collection_new_tracer(struct collection *c, struct tracer_start *start);

/* Each takes a message's payload; 0 or -errno (the message is counted as broken). */
int collection_attached(struct collection *c, const struct tracer_attached *a);
int collection_threads(struct collection *c, const struct wire_message *m);
int collection_stats(struct collection *c, const struct wire_message *m);
int collection_stacks(struct collection *c, const struct wire_message *m);
int collection_module_info(struct collection *c, const struct worker_module_info *info);

/* The id of the module a tracer tells of; takes the message's descriptor. *is_new says whether a
 * worker must be told too. -errno on failure. */
int collection_module(struct collection *c, struct wire_message *m, int *is_new);

/* A part of the mappings; once the last is there, 1 and the finished generation in *out, which is
 * borrowed until the next call. */
int collection_maps(struct collection *c, const struct wire_message *m, struct generation **out);

enum blame { BLAME_NONE, BLAME_SYMTAB, BLAME_ALL };

/* A worker died while it was reading that module (0: none). While names were asked for, only its
 * debug information is not read again; else, and at the next time, it is not read at all. Where
 * something killed the worker from outside it takes two. */
enum blame collection_blame(struct collection *c, uint32_t id, int from_outside, int naming);

/* CPU time of threads that ended before they were last looked at, in ns. */
uint64_t collection_ended_cpu(const struct collection *c);
uint64_t collection_threads_cpu(const struct collection *c);

/* Past and present figures added up. */
void collection_sum(const struct collection *c, struct tracer_stats *out);

#endif
