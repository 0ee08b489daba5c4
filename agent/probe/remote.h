/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All threads of a process stopped at once, and system calls made by one of them. The third and
 * last state machine with ptrace in it (beside tracer/tracee.c and attached.c); nothing of the
 * target's code is called, so no lock and no stack of it matters.
 *
 *   free ──remote_stop──▶ stopped ──remote_call──▶ stopped ──remote_release──▶ free
 *
 * Our death at any point lets all threads go on, in the middle of a remote call, too: its thread
 * has a frame on its stack by which it comes back to where it was (way_back.h). Not where no stack
 * has room for it, or the program has no code that makes use of it (restore is 0). Sources:
 * ptrace(2), kernel/signal.c, arch/x86/kernel/signal.c.
 */
#ifndef PROBE_REMOTE_H
#define PROBE_REMOTE_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct remote_thread {
	pid_t tid;
	int is_stopped;
	int signal;	/* to be passed on */
	int is_changed; /* regs differ from the thread's */
	uint64_t room;	/* bytes below its red zone that are its own stack for sure; the caller says
			 */
	struct user_regs_struct regs;
};

struct remote {
	pid_t pid;
	struct remote_thread *v;
	uint32_t n, room;
	/* A thread that is ours already, and in a stop: taken as it is, once, and let go so that it
	 * stays attached, and stops at its next exec; 0: none. */
	pid_t held, kept;
	uint64_t instruction; /* address of a syscall instruction in the target; 0: none known */
	uint64_t restore; /* of code that calls rt_sigreturn, and a ret follows instruction; or 0 */
	uint64_t stopped_at;	 /* when the first one was */
	uint64_t longest;	 /* stop so far, ns */
	void (*beat)(void *arg); /* called now and then while it waits; NULL */
	void *arg;
};

enum remote_refusal {
	REMOTE_STOPPED = 1, /* job control holds it */
	REMOTE_LATE,	    /* a thread does not reach its stop */
	REMOTE_DENIED,	    /* someone else traces a thread, or we may not */
	REMOTE_GONE,	    /* the process has ended, or runs another program */
};

/* Stops them all. 0; -enum remote_refusal: none is held, or was hurt. Needs the handler of SIGALRM
 * that tracer/tracee.h asks for. */
int remote_stop(struct remote *r, pid_t pid);

/* They go on, with their own registers but for what was changed in v[].regs, and with the calls
 * that the stop had interrupted. */
void remote_release(struct remote *r);

void remote_fini(struct remote *r);

/* A system call made by one of the stopped threads; its result, or -errno of the call. -EIO: it
 * could not be made. */
long remote_call(struct remote *r, long number, const uint64_t args[6]);

#endif
