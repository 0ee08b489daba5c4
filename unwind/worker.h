/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's state, for the two files that are the worker: worker_main.c unwinds captures,
 * requests.c answers what session asks of modules and their names.
 */
#ifndef UNWIND_WORKER_H
#define UNWIND_WORKER_H

#include "base/generations.h"
#include "base/ring.h"
#include "base/wire.h"
#include "symbolize/data_names.h"
#include "symbolize/jit.h"
#include "symbolize/symbolize.h"
#include "unwind/answers.h"
#include "unwind/unwind.h"

#define HELD_MAX 64u /* captures waiting for newer maps */

struct held {
	struct capture *capture;
	uint64_t until;
};

struct worker {
	int sock;
	struct ring *ring;
	struct modules modules;
	struct symbolizer symbolizer;
	struct jit jit;
	struct data_names data_names;
	struct rules *rules;
	struct unwinder unwinder;
	struct generations generations;
	struct answers answers;
	struct held held[HELD_MAX];
	uint32_t n_held;
	uint32_t asked; /* the generation in whose place newer maps were asked for */
	int over;	/* session is gone */
	int flush_asked;
	int forwards; /* captures go to session as well */
	int idle_ms;
	uint32_t empty_ms; /* nothing came for so long */
	uint64_t *offsets; /* a request for names, while it comes in */
	uint32_t n_offsets, offsets_room;
	struct capture *capture; /* CAPTURE_MAX bytes */
	struct stack stack;
};

/* Should this module be the last that this worker ever sees, session knows. 0: none is read. */
void worker_reading(void *arg, uint32_t module);

/* Without session there is nothing to do. */
void worker_check(struct worker *w, int error);

/* The messages TO_WORKER_x; a descriptor is taken. */
void request_module(struct worker *w, struct wire_message *msg);
void request_extra(struct worker *w, struct wire_message *msg);
void request_perf_map(struct worker *w, const struct wire_message *msg);
void request_context(struct worker *w, const struct wire_message *msg);
void request_go(struct worker *w, const struct wire_message *msg);
void request_allocator(struct worker *w, const struct wire_message *msg);
void request_symbolize(struct worker *w, const struct wire_message *msg);
void request_data(struct worker *w, const struct wire_message *msg);

#endif
