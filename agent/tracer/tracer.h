/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer's state, which its loop (tracer_main.c) and what session asks for (orders.c) share.
 */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include "agent/probe/heap.h"
#include "agent/tracer/budget.h"
#include "agent/tracer/creations.h"
#include "agent/tracer/goroutine_waits.h"
#include "agent/tracer/hold.h"
#include "agent/tracer/roster.h"
#include "agent/tracer/sampler.h"
#include "base/wire.h"

struct tracer {
	int sock;
	struct ring *ring;
	struct tracer_start start;
	struct roster roster;
	struct clock clock;
	struct sampler sampler;
	struct kernel_names kernel;
	struct budget budget;
	struct goroutine_waits goroutine_waits;
	struct creations creations;
	struct heap heap;
	struct hold hold;
	struct tracer_stats stats;
	uint64_t next_refresh;
	uint64_t never_taken; /* ticks that were due at the end; while a thread is late none is */
	int running;	      /* samples are taken */
	int is_open;	      /* the window has begun, and is not over */
	int is_held;	      /* the command has not begun yet: nothing else is done meanwhile */
	struct wire_message message;
};

/* Session sees that we live. arg: the tracer; whoever waits for long has it called. */
void tracer_beat(void *arg);

void tracer_send_stats(struct tracer *t);

/* After threads have moved in memory. */
void tracer_prepare(struct tracer *t);

/* Threads, maps and figures: once a second. */
void tracer_refresh(struct tracer *t);

/* The exact end of the window. */
void tracer_finish(struct tracer *t, int target_ended);

/* Whether the command is held: once it is let go, what is to be sampled is. */
void tracer_set_held(struct tracer *t);

/* Does what t->message says, and closes its descriptor. */
void tracer_on_message(struct tracer *t);

#endif
