/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that are profiled, those to come included.
 *
 * A process that ends is looked at once more (its main thread's figures stay until its parent takes
 * its status), told of, and dropped; one that cannot be attached to is left out, and session told.
 */
#ifndef TRACER_ROSTER_H
#define TRACER_ROSTER_H

#include "agent/tracer/family.h"
#include "agent/tracer/process.h"

#define ROSTER_LEFT_OUT 256u

struct roster {
	struct common common;
	struct process **v;
	uint32_t n, room;
	int ends; /* epoll of the pidfds: readable when a process ends */
	int with_children;
	struct family family;
	pid_t left_out[ROSTER_LEFT_OUT]; /* the latest ones: not tried again */
	uint32_t n_left_out;
	uint64_t ended_clock; /* CPU time of those that ended */
	/* Of those that ended: CPU time of their children inside the window; what their parents
	 * will have counted as that of a child. */
	uint64_t ended_children, ended_as_child;
	uint64_t excess,
		unseen; /* of what parents counted, over that: at the last look; for sure */
	uint32_t turn;	/* where the round through the parents stands */
	uint32_t ended_threads, ended_maps_failed;
	int changed; /* threads have moved in memory */
};

/* 0 or -errno. */
int roster_init(struct roster *r, int sock, struct ring *ring, const struct tracer_start *start);

/* Attaches to all that the start names; 0, or -1 and why where there is none, or one of those given
 * by number is refused. */
int roster_start(struct roster *r, const struct tracer_start *start, const struct tracer_pid *pids,
	struct tracer_refused *why);

/* Descendants born since the last call; after those that ended were dropped. */
void roster_find_new(struct roster *r);

/* Drops those that ended. */
void roster_drop_ended(struct roster *r);

/* What changed in any process since the last time: threads, mappings; an idle one costs one clock.
 */
void roster_refresh(struct roster *r, uint64_t now);

/* Tells of all figures as of now, after a last listing where asked. */
void roster_tell_all(struct roster *r, int list);

/* CPU time of all processes when last read, those that ended included, in ns. */
uint64_t roster_clock(const struct roster *r);

/* Fills the figures of tracer_stats that are of all processes. */
void roster_count(const struct roster *r, struct tracer_stats *stats);

/* Processes where another program runs (how many of them are no launched command's beginning is
 * added to *execs), or whose threads are not those that we know: read anew. 1 if there were any. */
int roster_read_changed(struct roster *r, uint32_t *execs);

/* The command that we start runs now, if no look has met it yet. */
void roster_read_launched(struct roster *r);

/* Maps that the worker asked for. */
void roster_read_wanted_maps(struct roster *r, uint64_t now);

#endif
