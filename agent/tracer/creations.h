/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threadcreate profile on the tracer's main thread: it starts the watcher, and turns its
 * records into captures for the worker, after the mappings that were valid and the creators are
 * told of.
 *
 * Nobody is stopped for any of this. No creation is lost: what the queue had no room for is
 * counted, and pushed as captures without a stack.
 */
#ifndef TRACER_CREATIONS_H
#define TRACER_CREATIONS_H

#include "agent/tracer/roster.h"
#include "agent/tracer/watcher.h"

struct creations {
	struct watcher watcher;
	struct roster *roster;
	struct capturer *capturer; /* of the main thread: its ring, its interval */
	struct program {
		uint32_t number;     /* of the process */
		uint32_t program;    /* that its mappings are of, as the watcher counts */
		uint32_t generation; /* of these mappings */
	} * programs;		     /* by the watcher's index */
	struct creator {
		struct tracer_thread thread; /* as told */
		int is_listed;		     /* told of by others, who tell of its end */
	} * creators;			     /* that live */
	uint32_t n, room;
	uint64_t next;		      /* when the queue is looked at again */
	struct tracer_creations told; /* counts that session knows */
	struct watcher_calls {
		uint64_t repaired, failed, cut_short, signals;
	} told_calls; /* those that are in its stats */
	uint64_t created, no_room;
	uint64_t signals; /* of all watchers */
	int is_on;
};

/* Attaches to all threads of all processes, whose mappings have been read. 0 or -errno;
 * creations_end either way. Again after that. */
int creations_begin(struct creations *c, struct roster *roster, struct capturer *capturer);

/* Takes what is in the queue, where it is due or now is set. */
void creations_take(struct creations *c, int now);

/* Lets all threads go, takes the rest, and tells session of it. */
void creations_end(struct creations *c, struct tracer_stats *stats);

/* Tells session of all counts, those of stats in there. */
void creations_tell(struct creations *c, struct tracer_stats *stats);

#endif
