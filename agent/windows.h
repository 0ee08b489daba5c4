/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans of time that are profiled at the same time by one sampler: one for each client of the
 * server, and for each push. The run is cut into intervals at marks; a window begins at one mark
 * and ends at another, and is the sum of the intervals in between.
 *
 *   waits ─mark─▶ opens ─interval closed─▶ open ─time is up─▶ closes ─interval closed─▶ done
 *
 * What ends and begins together shares a mark. Sampled is what some window wants, and nothing where
 * there is none, but for the counters of the block and mutex profiles, which go on at a low rate.
 * An interval keeps what it has of threads that have ended: no one lasts for ever.
 */
#ifndef AGENT_WINDOWS_H
#define AGENT_WINDOWS_H

#include "agent/sum.h"
#include "base/message.h"

struct session;

/* What the counters are of; those that no window has to ask for. */
#define WINDOWS_COUNTED	   (KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX) | KIND(PROFILE_THREADCREATE))
#define WINDOWS_BACKGROUND (KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))

/* Heap kinds are sampled by nobody's tick: what the allocation probe has told is there at each mark
 * (agent/heap_record.h). A window has these kinds or others. With a length it is what came and went
 * in that time. */

enum window_flag {
	WINDOW_DETAILS = 1,   /* threads: with what each waits for (-dump) */
	WINDOW_COUNTERS = 2,  /* what was counted since the begin, up to now; no time of its own */
	WINDOW_DELTA = 4,     /* kinds of a moment: what came, and what went (negative) */
	WINDOW_REPEATS = 8,   /* the next one begins at the mark at which this one ends */
	WINDOW_COMMANDS = 16, /* the command lines are told at the mark (counters only) */
	WINDOW_CONTEXTS = 32, /* what processes say of themselves is told at its begin */
	WINDOW_ALIVE = 64,    /* heap: all that is alive at its end, beside what came in its time */
};

enum window_state {
	WINDOW_WAITS,
	WINDOW_OPENS,
	WINDOW_OPEN,
	WINDOW_AGAIN, /* WINDOW_DELTA: the second look begins at this mark */
	WINDOW_CLOSES,
	WINDOW_DONE,
};

/* One window. Who asked for it takes it back in is_done, by windows_drop. */
struct window {
	struct window *next;
	uint32_t kinds;	 /* bit per enum profile_kind */
	uint32_t flags;	 /* enum window_flag */
	int32_t pid;	 /* only of that process; 0: of all */
	uint64_t length; /* ns; 0: kinds of a moment, counters */
	enum window_state state;
	uint64_t not_before;	/* waits: for others to end, that are in its way; 0: for nothing */
	uint64_t ends;		/* open: CLOCK_MONOTONIC */
	int takes;		/* the open interval goes into it */
	int is_second;		/* WINDOW_DELTA: this is the second look */
	int error;		/* -errno: it could not be added up; -ESRCH: the target is gone,
				   -EAGAIN: a look at it was torn */
	struct heap_site *base; /* of heap kinds with a length: as it began */
	uint32_t n_base;
	struct interval sum;
	/* The names are there; session's written is the sum. */
	void (*is_done)(struct session *s, struct window *w);
	void *arg;
};

/* Zero-initialized is none. */
struct windows {
	struct window *first;
	struct interval counters;
	uint64_t carried;   /* ns of intervals without a tick, for the next with one */
	uint64_t next_mark; /* not before: CLOCK_MONOTONIC */
	uint64_t clears_at; /* the next mark at the latest; 0: nothing is sampled */
	int is_left;	    /* more is sampled than is wanted: one has gone that was open */
	uint64_t dropped;   /* before they were done */
	uint64_t lost;	    /* intervals that could not be counted, for want of room */
	int has_heap;	    /* the allocation probe is in, or was: those of heap kinds can begin */
};

int windows_init(struct windows *v); /* 0 or -ENOMEM */
void windows_fini(struct windows *v);

/* A window that waits, for what how says; NULL: no memory. */
struct window *windows_add(struct windows *v, const struct window *how);

/* Its client has gone, or has got it. Where one was open the next mark is due. */
void windows_drop(struct windows *v, struct window *w);

/* How many there are that are not done. */
uint32_t windows_count(const struct windows *v);

/* A thread has one tracer, and threadcreate's stays attached: no other window is open then. How
 * long a window of those kinds would have to wait for those that are there, in ns; 0: not at all.
 */
uint64_t windows_conflict(const struct windows *v, uint32_t kinds, uint64_t now);

/* When the next mark is due: CLOCK_MONOTONIC; 0: never. */
uint64_t windows_due(const struct windows *v);

/* A mark is set: who opens and closes there, and how the interval after it is to be taken. */
void windows_mark(struct session *s, uint64_t now, struct tracer_mode *next);

/* No interval comes after the one that is about to be closed: all close there. */
void windows_end(struct windows *v);

/* How the first interval is taken; it begins. */
void windows_first_mode(const struct session *s, struct tracer_mode *mode);
void windows_begin(struct session *s, uint64_t now);

/* The interval before the mark is closed and all its stacks are there; mode: how it was taken. */
void windows_take(struct session *s, const struct interval *i, const struct tracer_mode *mode);

/* One of heap kinds gets all that is known, which does not change any more; it is done. */
void windows_take_last(struct session *s, struct window *w);

/* One that is done, or NULL. */
struct window *windows_done(const struct windows *v);

#endif
