/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command that we start, held until its probe is in: from its exec on, and then where all its
 * libraries are loaded and none of their code has run.
 *
 *   none --begin--> waits --exec--> stopped --run--> runs --its point--> stopped --> none
 *
 * Session is told of each stop (TRACER_HELD). While it is held, nobody may stop it otherwise but
 * the probe, which takes it over in its stop (agent/probe/remote.h) and lets it go. Should we end,
 * it ends with us: it has done nothing yet.
 */
#ifndef TRACER_HOLD_H
#define TRACER_HOLD_H

#include "agent/tracer/process.h"

enum hold_state { HOLD_NONE, HOLD_WAITS, HOLD_STOPPED, HOLD_RUNS };

struct hold {
	enum hold_state state;
	struct process *process;
	int sock;	   /* to session */
	uint64_t stop;	   /* address of the loader's point; 0: none is known */
	uint64_t state_at; /* of the word that is 0 there when it is the right time; 0: it always is
			    */
	uint64_t entry;	   /* address of the program's entry point; 0: it is not waited for */
	int is_static;	   /* no loader comes before that */
};

#define HOLD_LOOK_NS 300000ull /* while it runs or waits, it is to be looked at that often */

/* That process, which has not begun. 0 or -errno. */
int hold_begin(struct hold *h, struct process *p, int sock);

/* What has happened to it: now and then, unless there is none. */
void hold_look(struct hold *h);

/* It is stopped, and goes on to there. */
void hold_run(struct hold *h, const struct tracer_run *run);

/* The thread that the probe takes over; 0: none is held. */
pid_t hold_thread(const struct hold *h);

/* The probe is in, and it was let go; or it is not, and the command ends before it began. */
void hold_done(struct hold *h, int is_in);

/* It runs on. */
void hold_end(struct hold *h);

#endif
