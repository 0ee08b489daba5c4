/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ptrace state machine of one thread: free -> (seize, interrupt, wait) -> stopped -> free.
 * Who stays attached is attached.h, all threads at once are agent/probe/remote.h; nobody else calls
 * ptrace or waits.
 *
 * Never attached between samples, never two threads at once. Sources: ptrace(2), kernel/ptrace.c,
 * kernel/signal.c; the races with exec are described in doc/INTERNALS.md.
 */
#ifndef TRACER_TRACEE_H
#define TRACER_TRACEE_H

#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

/* glibc's header leaves it out, and goes together with linux/ptrace.h badly. */
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

/* What stops did to the calls that they fell into. */
struct tracee_calls {
	uint64_t repaired, failed, cut_short;
};

struct tracee {
	pid_t tid;	  /* 0: free */
	pid_t leader;	  /* the process: an exec gives its id to the thread that calls it */
	int signal;	  /* to pass on when it is released */
	int is_held;	  /* stopped: by job control, before and after our stop, too */
	int late;	  /* seized and interrupted, but its stop has not come yet */
	uint64_t since;	  /* when it was interrupted */
	uint64_t rescued; /* exec races repaired */
	uint64_t signals; /* signals met at a stop and passed on */
	struct tracee_calls calls;
};

/* 0 stopped. -ESRCH: gone, nothing is held. -EPERM: refused, nothing is held. -EAGAIN: a thread is
 * held as late, this one, which did not stop within LIMIT_STOP_WAIT_MS, or one before: call
 * tracee_collect until it says otherwise, and nothing else before, or it stops unattended.
 * Needs a handler of SIGALRM without SA_RESTART, which ends a wait that takes too long. */
int tracee_stop(struct tracee *t, pid_t tid, pid_t leader);

/* Waits once more for a late thread and lets it go when its stop comes: 0 free again, -EAGAIN. */
int tracee_collect(struct tracee *t);

/* The same until it is free, or has taken so long that our end has to free it. */
void tracee_settle(struct tracee *t);

int tracee_get_regs(const struct tracee *t, struct user_regs_struct *regs); /* 0 or -errno */

/* Undoes what the stop did to the call that the thread is in, or counts it; regs are its registers,
 * and may be changed. */
void tracee_mend_call(struct tracee *t, struct user_regs_struct *regs);

/* Lets the stopped thread run on (or stay in its group stop). Ends free, or late where an exec that
 * killed the thread takes its time. */
void tracee_release(struct tracee *t);

/* Whether ptrace can be called at all; 0, or -errno where a filter forbids it. */
int tracee_probe(void);

#endif
