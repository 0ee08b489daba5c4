/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that session knows of the target: threads, modules, mappings, figures. Fed by messages of
 * tracers and workers that come and go; what a restarted tracer tells again is recognized.
 *
 * Nothing here is parsed from the target's bytes; counts and ids of the senders are range-checked.
 */
#ifndef AGENT_COLLECTION_H
#define AGENT_COLLECTION_H

#include "agent/heap_record.h"
#include "agent/interval.h"
#include "agent/known_threads.h"
#include "base/generations.h"
#include "base/wire.h"

struct module {
	struct module_info info; /* path is owned */
	int fd;			 /* its file, to give to a new worker; -1 */
	int has_frames;		 /* in some profile */
	uint32_t has;		 /* enum module_has */
	struct perf_map {
		int fd;			 /* names of its code, if it has no file; -1 */
		int32_t error;		 /* why there is none, or none any more */
		int32_t pid;		 /* the map's name; 0: nothing was told */
		uint32_t functions, bad; /* what is in it, as the worker says */
	} perf_map;
	int symtab_only;		    /* its debug information brought down a worker */
	uint32_t deaths;		    /* of workers that were reading it */
	int allocator_known;		    /* the worker has looked */
	struct worker_allocator *allocator; /* and its lists; NULL: it has none */
	struct loader_stop loader;
	struct tracer_go go; /* how to find its goroutines; number 0: not known yet */
};

/* A process of the target. */
struct process_info {
	uint32_t number;
	int32_t pid;
	uint64_t start_time;
	uint64_t clock, clock_begin; /* CPU time as last told; at the begin of the interval */
	uint32_t n_threads;	     /* when it was attached to */
	uint32_t has_ended;
	uint32_t ended_in;	/* the interval */
	uint32_t threads_ended; /* in the open interval */
	char comm[16];
	char *command; /* its command line as last told, command_len bytes; NULL */
	uint32_t command_len;
	char service[256]; /* as it calls itself; "" not known */
};

struct collection {
	struct process_info *processes; /* ascending by number */
	uint32_t n_processes, processes_room;
	uint32_t next_process; /* number of the next one */
	uint32_t processes_seen, processes_ended;
	struct process_info first; /* gives the files their names */
	struct known_threads threads;
	int is_again; /* the present tracer is not the first one that told of threads */

	struct module *modules; /* id - 1 */
	uint32_t n_modules, modules_room;
	uint32_t *number_module; /* the present tracer's number - 1 -> id */
	uint32_t n_numbers, numbers_room;

	struct segment *segments;
	uint32_t n_segments, segments_room;
	struct index by_segment;
	uint32_t segments_lost; /* mappings that did not fit */
	uint32_t n_kernel;	/* functions of the kernel that have a number */
	int only_wchan;		/* of each blocked thread but one */
	struct generations
		maps; /* with session's module ids; kept for a worker that starts again */
	uint32_t last_generation;

	struct tracer_stats past;     /* sums of tracers that ended */
	struct tracer_stats now;      /* of the present tracer */
	struct interval intervals[2]; /* by number % 2: the open one, and one that is written */
	uint32_t open;		      /* number of the open one, or of the last */
	struct heap_record heap;      /* since the allocation probe went in */
	uint64_t broken;	      /* messages that did not make sense */
};

int collection_init(struct collection *c);  /* 0 or -ENOMEM */
void collection_fini(struct collection *c); /* for tests: a role ends by _exit */

/* Before all else, with -kernel: its module. 0 or -errno. */
int collection_add_kernel(struct collection *c);

/* Before a tracer starts (again): its numbers begin anew, its figures add to those before. */
void collection_new_tracer(struct collection *c, struct tracer_start *start);

/* Each takes a message's payload; 0 or -errno (the message is counted as broken). */
int collection_attached(struct collection *c, const struct tracer_attached *a);
int collection_processes(struct collection *c, const struct wire_message *m);
int collection_threads(struct collection *c, const struct wire_message *m);
int collection_stats(struct collection *c, const struct wire_message *m);
int collection_creations(struct collection *c, const struct tracer_creations *more);
int collection_service(struct collection *c, const struct wire_message *m);
int collection_command(struct collection *c, const struct wire_message *m);
int collection_stacks(struct collection *c, const struct wire_message *m);
int collection_module_info(struct collection *c, const struct worker_module_info *info);

/* NULL for a number that is not known, or whose process was forgotten. */
struct process_info *collection_process(const struct collection *c, uint32_t number);

/* The latest one of that id: there may have been others before; NULL: none. */
const struct process_info *collection_process_of_pid(const struct collection *c, int32_t pid);

/* The id of the module a tracer tells of; takes the message's descriptor. *is_new says whether a
 * worker must be told too. -errno on failure. */
int collection_module(struct collection *c, struct wire_message *m, int *is_new);

/* Whether the first process has code of that module now: a command may have run other programs
 * before. */
int collection_is_mapped(const struct collection *c, uint32_t module);

/* The present tracer's number of the module; 0: it has none. */
uint32_t collection_number(const struct collection *c, uint32_t module);

/* A part of the mappings; once the last is there, 1 and the finished generation in *out, which is
 * borrowed until the next call. */
int collection_maps(struct collection *c, const struct wire_message *m, const struct maps **out);

/* The interval that captures are taken for; the one of that number, or NULL. */
struct interval *collection_open(struct collection *c);
struct interval *collection_interval(struct collection *c, uint32_t number);

/* Fixes the figures of the open interval; those of the next begin there. 0 or -errno. */
int collection_close(struct collection *c, uint64_t now);

/* Opens the next interval, in place of the one before the last. 0 or -ENOMEM. */
int collection_open_next(struct collection *c, uint64_t now, uint64_t wall);

/* Drops the threads and processes that ended up to that interval, of which no stack is on its way
 * any more. 0 or -ENOMEM. */
int collection_forget(struct collection *c, uint32_t interval,
	void (*forgotten)(void *arg, uint32_t process), void *arg);

/* What is known of each module, in the order of their ids; strings are borrowed. NULL: no memory;
 * the caller frees. */
struct module_info *collection_module_infos(const struct collection *c);

enum blame { BLAME_NONE, BLAME_SYMTAB, BLAME_ALL };

/* A worker died while it was reading that module (0: none). While names were asked for, only its
 * debug information is not read again; else, and at the next time, it is not read at all. Where
 * something killed the worker from outside it takes two. */
enum blame collection_blame(struct collection *c, uint32_t id, int from_outside, int naming);

/* Past and present figures added up. */
void collection_sum(const struct collection *c, struct tracer_stats *out);

#endif
