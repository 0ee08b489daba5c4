/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread of the tracer that stays attached to all threads of the target, to see them create
 * others. It does nothing but wait for their stops, act on each at once, and leave a record in a
 * queue; all that takes time is the main thread's (creations.c).
 *
 * It ends with the profile, and the kernel then lets all threads go: see attached.h.
 */
#ifndef TRACER_WATCHER_H
#define TRACER_WATCHER_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/tracer/capture.h"

/* In the queue, in the order of events; a multiple of the alignment of struct capture. */
struct watcher_record {
	enum watcher_what {
		WATCHER_CREATOR,  /* tid creates a thread for the first time */
		WATCHER_CREATION, /* followed by a struct capture; its generation is not set */
		WATCHER_END,	  /* of such a tid */
		WATCHER_EXEC,	  /* from here on the process runs another program */
	} what;
	pid_t tid;
	uint32_t process;    /* index, as given to watcher_begin */
	uint32_t program;    /* that the process runs: counts its execs */
	uint64_t start_time; /* WATCHER_CREATOR: the thread's, and its name */
	char name[16];
	uint64_t held; /* WATCHER_CREATION: for how long it was, in ns */
};

#define WATCHER_RECORD_MAX (sizeof(struct watcher_record) + CAPTURE_MAX)

/* A process as the watcher knows it. */
struct watched {
	struct process as_captured; /* only what a capture asks for: number and pidfd */
	int proc;		    /* /proc/PID */
	_Atomic uint32_t program;   /* runs now */
	_Atomic uint32_t shown;	    /* whose mappings were read with its first creation */
	_Atomic int creates;	    /* did since the mappings were last read; main thread resets */
};

/* Written by the watcher only. */
struct watcher_counts {
	_Atomic uint64_t no_room; /* creations that are not in the queue */
	_Atomic uint64_t signals, group_stops;
	_Atomic uint64_t repaired, failed, cut_short; /* calls, as in struct tracee_calls */
	_Atomic uint64_t let_go; /* processes that were attached to as they were born */
	_Atomic uint64_t others,
		others_ns; /* stops without such a record, and how long they took */
	_Atomic uint64_t attached, attach_ns; /* threads that were there; how long it took */
};

struct watcher {
	struct ring queue;     /* of struct watcher_record */
	struct ring to_worker; /* only for what its page says of stacks, and our mark there */
	struct capturer capturer;
	struct watched *v;
	uint32_t n;
	pthread_t thread;
	struct watcher_counts counts;
	_Atomic size_t want;	     /* stack to be copied */
	_Atomic uint64_t busy_since; /* CLOCK_MONOTONIC; 0: it waits */
	_Atomic int is_attached;     /* to all threads that were there */
	_Atomic int stop, is_over;
};

/* Starts it. 0 or -errno. */
int watcher_begin(struct watcher *w, const struct ring *to_worker, struct process *const *processes,
	uint32_t n);

/* Lets all go; what is in the queue stays. */
void watcher_end(struct watcher *w);
void watcher_free(struct watcher *w);

/* It has not come back from one event for so long that it never may: only our end frees the thread
 * that it holds. */
int watcher_is_stuck(const struct watcher *w);

#endif
