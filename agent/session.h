/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session's process: the event loop that takes a run from attach to written files. It holds all
 * state, so tracer and worker may die at any instant and be started again.
 *
 * Returns the program's exit status (agent/exit_status.h).
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "agent/collection.h"
#include "agent/debuginfod.h"
#include "agent/exit_status.h"
#include "agent/known_details.h"
#include "agent/locks.h"
#include "agent/options.h"
#include "agent/raw.h"
#include "agent/replay.h"
#include "agent/wants.h"
#include "agent/windows.h"
#include "base/buf.h"
#include "base/outbox.h"
#include "base/ring.h"
#include "output/symbols.h"

/* What the run waits for; each phase ends with one kind of message. Where the run is cut into
 * intervals, all from PHASE_STOP to PHASE_WRITE is gone through for each, while the tracer samples
 * for the next, and PHASE_SAMPLE is come back to. Where it serves, an interval ends when a window
 * begins or ends. */
enum phase {
	PHASE_ATTACH,	 /* TRACER_READY or TRACER_REFUSED */
	PHASE_SNAPSHOT,	 /* TRACER_SNAPSHOT_DONE */
	PHASE_SAMPLE,	 /* the end of the window, or of the interval */
	PHASE_STOP,	 /* TRACER_DONE, or TRACER_MARK */
	PHASE_FLUSH,	 /* WORKER_FLUSHED */
	PHASE_SHARE,	 /* serving: each window that is done goes through the next three */
	PHASE_DEBUG,	 /* the last TRACER_EXTRA and WORKER_EXTRA */
	PHASE_SYMBOLIZE, /* the last WORKER_SYMBOLS */
	PHASE_WRITE,
	PHASE_OVER,
};

/* A role as session sees it. */
struct link {
	enum role role;
	int sock;		   /* -1: not running */
	uint32_t restarts, recent; /* in the run; in the interval */
	uint64_t beat, beat_at;	   /* its heartbeat, and when it last moved */
	int starting;
	int given_up;
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
	enum symbols_level level; /* of the present pass: names first, then lines */
	uint32_t late;		  /* requests whose answers nobody waits for any more */
	int awaits; /* files that the worker found wanting: then the present request is asked again
		     */
};

/* For the goroutine profile, while the window is not open yet (agent/go_programs.h). */
enum await { AWAIT_NOTHING, AWAIT_FACTS, AWAIT_GOROUTINES };

/* For the heap profiles, while the window is not open yet (agent/heap_probe.h). */
enum heap_await {
	HEAP_AWAIT_NOTHING,
	HEAP_AWAIT_LOADER, /* the worker's word on the modules of a command that was just loaded */
	HEAP_AWAIT_POINT,  /* the tracer holds it again where all its libraries are there */
	HEAP_AWAIT_WORKER,
	HEAP_AWAIT_TRACER
};

/* Where the allocation probe is. */
struct heap_state {
	int is_in;	/* in the process */
	int is_over;	/* it was, and what is known of it is the last word */
	int is_asked;	/* a snapshot, whose answer is on its way */
	uint64_t began; /* CLOCK_MONOTONIC: when it went in */
	/* Serving (agent/serve/probing.h). */
	int is_wanted;	 /* somebody asks for what it brings */
	int is_served;	 /* the worker has been asked for allocators */
	int has_modules; /* the present tracer has told of all */
	int lingers;	 /* the process has ended, and its heap can still be asked for */
};

struct session {
	const struct options *options;
	int supervisor;
	struct ring *ring;
	struct link tracer, worker;
	struct outbox to_worker; /* the worker answers while we tell: never wait for its queue */
	enum phase phase;
	struct collection data;
	struct known_details details; /* -dump */
	struct symbols *symbols;
	struct naming naming;
	struct locks locks;
	struct wants wants;
	struct debuginfod debuginfod;
	/* How the open interval is taken; the one after the mark; the one that was closed last. */
	struct tracer_mode mode, next_mode, shared_mode;
	struct windows windows;	 /* serving: who gets what of the intervals */
	struct interval *shared; /* serving: the interval that was closed last */
	int shared_is_new;	 /* the windows have not got it yet */
	uint64_t names_by; /* serving: what has no name by then is answered without; 0: no hurry */
	struct server *server;	  /* -http */
	struct raw raw;		  /* -save-raw */
	struct replay replay;	  /* -replay */
	struct interval *written; /* the one that the present phase is about, from PHASE_FLUSH on */
	struct buf summaries;	  /* -summary, of the intervals so far */
	uint64_t
		asked_at; /* when the interval's figures were asked for, or the first's run began */
	uint64_t looked_at;   /* when signs of life were last looked for */
	uint64_t began, ends; /* of the run, CLOCK_MONOTONIC; ends 0: open */
	uint64_t next_mark;   /* when the interval ends; 0: with the run */
	uint64_t stopped_at;  /* when the tracer read the interval's last figures; 0: unknown */
	uint32_t left_out;    /* processes that may not be profiled */
	int launch_pending;   /* the command was let go; whether it could be run is not known yet */
	int interrupts;
	int is_last; /* no interval comes after this one */
	enum await goroutines_awaited;
	enum heap_await heap_awaited;
	struct heap_state heap;
	enum held_at heap_held;	       /* where a command was when the probe went in */
	struct allocators *allocators; /* that the tracer was asked for; NULL */
	struct probe_refused armed;    /* its answer */
	uint32_t without_goroutines;   /* processes */
	int tracer_done;	       /* it has no target any more, or is given up */
	int target_ended;
	int failed; /* some file could not be written */
	int status;
};

int session_run(const struct options *o, int supervisor, struct ring *ring);

/* For the modules of session only: ends the run with that status; asks supervisor something about a
 * role; takes all that the tracer has said by now. */
void session_over(struct session *s, int status);
void session_ask_supervisor(struct session *s, enum message_type type, enum role role);
void session_take_tracer(struct session *s);

#endif
