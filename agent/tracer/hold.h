/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command that we start, held until its probe is in: from its exec on, and then where all its
 * libraries are loaded and none of their code has run.
 *
 *   none --begin--> waits --exec--> stopped --run--> runs --its point--> stopped --> follows
 *                                      ^-------------------- exec -------------------'
 *
 * Session is told of each stop (TRACER_HELD). While it is held, nobody may stop it otherwise but
 * the probe, which takes it over in its stop (agent/probe/remote.h) and leaves it there. Should we
 * end then, it ends with us: it has done nothing yet.
 *
 * A command may be a script that ends with the exec of what is meant: for some time it stays
 * attached, and is held at its next exec again. Meanwhile nobody else can stop its main thread.
 */
#ifndef TRACER_HOLD_H
#define TRACER_HOLD_H

#include "agent/tracer/process.h"

enum hold_state { HOLD_NONE, HOLD_WAITS, HOLD_STOPPED, HOLD_RUNS, HOLD_FOLLOWS };

struct hold {
	enum hold_state state;
	struct process *process;
	int sock;	    /* to session */
	int is_new;	    /* stopped at an exec, of which session does not know yet */
	uint64_t stop;	    /* address of the loader's point; 0: none is known */
	uint64_t state_at;  /* of the word that is 0 there at the right time; 0: it always is */
	uint64_t entry;	    /* address of the program's entry point; 0: it is not waited for */
	int is_static;	    /* no loader comes before that */
	uint64_t until;	    /* it is followed: CLOCK_MONOTONIC, ns */
	uint64_t until_cpu; /* by its CPU clock */
	int has_begun;	    /* some program of it */
};

#define HOLD_LOOK_NS 300000ull /* if there is one, it is to be looked at that often */

/* That process, which has not begun. 0 or -errno. */
int hold_begin(struct hold *h, struct process *p, int sock);

/* What has happened to it: now and then. As hold_end, which comes in time. */
pid_t hold_look(struct hold *h);

/* Where is_new is set: reads the new program, and tells session. */
void hold_tell(struct hold *h);

/* It is stopped, and goes on to there. */
void hold_run(struct hold *h, const struct tracer_run *run);

/* Whether its program has not begun. */
int hold_is_on(const struct hold *h);

/* The thread that the probe takes over; 0: none is held. */
pid_t hold_thread(const struct hold *h);

/* The probe is in, and the command runs on from its stop: it is followed for so long, and until it
 * has used so much CPU time: who only begins something else needs little. */
void hold_follow(struct hold *h, uint64_t ns, uint64_t cpu_ns);

/* There is no probe: the command ends before it began. One that has run another program before goes
 * on. */
void hold_give_up(struct hold *h);

/* It runs on, and is nobody's: 0. Or its main thread, which is interrupted and does not stop yet:
 * who calls has to let it go then. */
pid_t hold_end(struct hold *h);

#endif
