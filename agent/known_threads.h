/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's threads as tracers tell of them: each tracer numbers them by serials of its own, and
 * one that was started again tells of the same threads under new serials.
 */
#ifndef AGENT_KNOWN_THREADS_H
#define AGENT_KNOWN_THREADS_H

#include "agent/last_stack.h"
#include "base/index.h"
#include "base/message.h"

struct known_thread {
	struct thread_info info; /* its cpu is not used */
	uint32_t key;		 /* never used again for another thread */
	uint32_t is_new;	 /* born after the window began, in born_in */
	uint32_t born_in;	 /* the interval in which it was told of first */
	uint32_t has_ended;
	uint32_t is_left_out;	/* by its name, as last told */
	uint32_t ended_in;	/* the interval */
	uint64_t cpu, baseline; /* CPU time as last told; at the begin of the interval */
	uint64_t left_out;	/* since then, under a name that is left out */
	struct last_stack stack;
};

struct known_serial {
	uint32_t serial, thread; /* index in v */
};

/* Zero-initialized is empty. */
struct known_threads {
	struct known_thread *v;
	uint32_t n, room;
	struct known_serial *serials;
	uint32_t n_serials, serials_room;
	struct index by_serial;
	uint32_t next_serial, next_key;
};

void known_threads_fini(struct known_threads *k);

/* A tracer's word about a thread of process pid. is_again: it was started again, so the thread may
 * be known, and if not was born meanwhile. 1 it has ended now, 0, or -errno. */
int known_threads_tell(struct known_threads *k, const struct tracer_thread *t, int32_t pid,
	int is_again, uint32_t interval);

/* NULL for a serial that nobody told of, or a thread that was forgotten. */
struct known_thread *known_threads_find(const struct known_threads *k, uint32_t serial);

/* What happened to it in that interval: enum thread_life. */
uint32_t known_threads_life(const struct known_thread *t, uint32_t interval);

/* CPU time since the begin of the interval, which begins anew; and what it used besides under a
 * name that is left out. */
uint64_t known_threads_take_cpu(struct known_thread *t, uint64_t *left_out);

/* Drops those that ended in an interval up to this one. 0 or -ENOMEM. */
int known_threads_forget(struct known_threads *k, uint32_t interval);

#endif
