/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process of the target: its identity, threads and mappings, and what session is told of them.
 *
 * Its address stays the same from open to close; threads point to it.
 */
#ifndef TRACER_PROCESS_H
#define TRACER_PROCESS_H

#include "agent/tracer/mappings.h"
#include "agent/tracer/perf_map_file.h"
#include "agent/tracer/thread_names.h"
#include "agent/tracer/threads.h"
#include "agent/tracer/tids.h"
#include "base/ring.h"

/* What all processes of a run share. */
struct common {
	int sock; /* to session */
	struct ring *ring;
	uint32_t next_serial, next_generation, next_process;
	uint64_t began;	       /* when the window did, as threads_time says */
	pid_t launched;	       /* the command that we start; 0: none */
	uint64_t lists_failed; /* listings of threads that were not complete */
	struct known_modules modules;
	struct thread_names names; /* of threads that are profiled */
};

struct process {
	uint32_t number;
	struct common *common; /* NULL in tests */
	struct target target;
	struct threads threads;
	struct mappings mappings;
	struct perf_map_file perf_map;
	struct tids tids; /* of threads as it knows them */
	/* Its CPU time: when last read; as session knows it; when all was last looked at anew. */
	uint64_t clock, told_clock, refreshed_clock;
	uint64_t start_stack;	     /* of the program that runs; another one means exec */
	uint32_t without_goroutines; /* with the mappings of that generation it has none */
	uint64_t next_listing;	     /* before that threads are not listed again */
	uint64_t next_maps;	     /* before that the worker is not heard */
	uint64_t exec_at;	     /* when it was last seen to have another program */
	uint64_t next_faults;	     /* before that page faults are no reason to read the maps */
	uint64_t ticked;	     /* the tick at which its clock was read last */
	uint32_t live;		     /* threads that we know */
	int32_t links;		     /* of its task folder, less threads; -1: they do not tell */
	uint32_t listed;	     /* as many there were when they were listed */
	/* CPU time of its children that ended and that it waited for: at its begin, and when last
	 * read.
	 */
	uint64_t children_begin, children;
	uint64_t group; /* tells its control group from others; see cpus.h */
	double quota;
	uint8_t is_new;	    /* born inside the window */
	uint8_t is_waiting; /* to become the command that we start: not a program of the user yet */
	uint8_t exec_seen;  /* another program runs in it; its maps are read anew before a stop */
	uint8_t faulted;    /* some thread had page faults since its maps were read */
	uint8_t stale;	    /* its threads have changed */
	uint8_t has_ended;
	uint8_t has_parent; /* that is profiled, too */
	uint8_t is_parent;  /* of one that is profiled */
};

/* Attaches to a process, is_new for one that was born inside the window, and tells session. NULL
 * and why. */
struct process *process_open(
	struct common *c, const struct tracer_pid *which, int is_new, struct tracer_refused *why);
void process_close(struct process *p);

/* The id of any live thread: the main one may have ended. */
pid_t process_live_tid(const struct process *p);

/* Lists its threads anew, and tells of them. Threads move in memory. */
void process_list(struct process *p, uint64_t now);

/* Reads its mappings, and tells of them where they changed. */
void process_read_maps(struct process *p);

/* The same for one that had page faults, where it is due: 1 if they were read. */
int process_read_maps_of_faults(struct process *p);

/* Whether it runs another program than when that was last read: an exec is seen here before anyone
 * is told of it. */
int process_runs_another(const struct process *p);

/* Looks for the names of the code that it made, also after its end. */
void process_find_perf_map(struct process *p);

/* Another program runs in it: everything anew. */
void process_read_again(struct process *p, uint64_t now);

/* A last look at all threads, without a listing where it has ended. */
void process_look(struct process *p);

/* Tells of threads that are not as session knows them. */
void process_tell_threads(struct process *p);

/* Whether the kernel counts as many threads as we know. Cheap; 1 where it does not say. */
int process_count_is_right(const struct process *p);

/* Its CPU time, kept from before once it is gone. */
void process_read_clock(struct process *p);

/* The CPU time of its children, likewise; not cheap. */
void process_read_children(struct process *p);

/* It has become the command, if it was to: its name is another one. */
void process_read_program(struct process *p);

#endif
