/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session's process: the event loop that takes a run from attach to written files. It holds all
 * state, so tracer and worker may die at any instant and be started again.
 *
 * Returns the program's exit status: 0 done, 1 failure, 3 cannot attach, 4 no samples, 130 given
 * up.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "agent/collection.h"
#include "agent/options.h"
#include "agent/raw.h"
#include "agent/replay.h"
#include "base/outbox.h"
#include "base/ring.h"
#include "output/symbols.h"

/* What the run waits for; each phase ends with one kind of message. */
enum phase {
	PHASE_ATTACH,	 /* TRACER_ATTACHED or TRACER_REFUSED */
	PHASE_SNAPSHOT,	 /* TRACER_SNAPSHOT_DONE */
	PHASE_SAMPLE,	 /* the end of the window */
	PHASE_STOP,	 /* TRACER_DONE */
	PHASE_FLUSH,	 /* WORKER_FLUSHED */
	PHASE_DEBUG,	 /* the last TRACER_DEBUG_FILE */
	PHASE_SYMBOLIZE, /* the last WORKER_SYMBOLS */
	PHASE_WRITE,
	PHASE_OVER,
};

/* A role as session sees it. */
struct link {
	enum role role;
	int sock; /* -1: not running */
	uint32_t restarts;
	uint64_t beat, beat_at; /* its heartbeat, and when it last moved */
	int starting;
};

struct naming {
	uint32_t module; /* being asked for; 0: none yet */
	size_t next;	 /* in frames: the first of the present request */
	size_t asked;	 /* frames in it */
	struct naming_frame {
		uint64_t offset;
		uint32_t module;
	} * frames; /* unique, sorted by module and offset */
	uint32_t n, room;
	uint32_t debug_pending;
};

struct session {
	const struct options *options;
	int supervisor;
	struct ring *ring;
	struct link tracer, worker;
	struct outbox to_worker; /* the worker answers while we tell: never wait for its queue */
	enum phase phase;
	struct collection data;
	struct symbols *symbols;
	struct naming naming;
	struct raw raw;		     /* -save-raw */
	struct replay replay;	     /* -replay */
	uint64_t began, ends, ended; /* of the window, CLOCK_MONOTONIC; ends 0: open */
	uint64_t wall_began;	     /* CLOCK_REALTIME */
	uint64_t lost;		     /* captures that died with a worker */
	uint64_t popped_before;	     /* captures taken by workers that died */
	int interrupts;
	int target_ended;
	int status;
};

int session_run(const struct options *o, int supervisor, struct ring *ring);

/* Ends the run with that status; for the modules of session only. */
void session_over(struct session *s, int status);

#endif
