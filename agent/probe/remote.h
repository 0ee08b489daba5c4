/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All threads of a process stopped at once, and system calls made by one of them. The third and
 * last state machine with ptrace in it (beside tracer/tracee.c and attached.c); nothing of the
 * target's code is called, so no lock and no stack of it matters.
 *
 *   free ──remote_stop──▶ stopped ──remote_call──▶ stopped ──remote_release──▶ free
 *                          (late) ──its stop, met by remote_attend──▶ free
 *
 * A thread that was attached to and does not come to its stop cannot be let go before: it is late,
 * and nobody is stopped meanwhile. Two more things must not be missed, or a thread of the target
 * waits for us for good: what was killed in its stop is to be reaped, and an exec gives its thread
 * the main one's number, with our interrupt.
 *
 * Our death at any point lets all threads go on, in the middle of a remote call, too: its thread
 * has a frame on its stack by which it comes back to where it was (way_back.h). Not where no stack
 * has room for it, or the program has no code that makes use of it (restore is 0). Sources:
 * ptrace(2), kernel/signal.c, arch/x86/kernel/signal.c.
 *
 * A thread of which another one of us died in the middle of a call is met by remote_stop where it
 * has not made that call yet, or has not come back: it is brought home at once, so that nothing is
 * done any more after that stop.
 */
#ifndef PROBE_REMOTE_H
#define PROBE_REMOTE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/user.h>

#include "base/instruction.h"

struct remote_thread {
	pid_t tid;
	int is_stopped;
	int is_gone;		/* or free, or its number is another one's */
	int has_status, status; /* what waitpid has said already */
	int signal;		/* to be passed on */
	int filter;		/* 1 none is in force for it, 2 one is; 0: not asked yet */
	uint64_t room; /* bytes below its red zone that are its own stack for sure; the caller says
			*/
	struct user_regs_struct regs;
};

struct remote {
	pid_t pid;
	struct remote_thread *v;
	uint32_t n, room;
	uint32_t n_late; /* while n is 0: those in v whose stop is still to come */
	pid_t unreaped; /* a main thread that has ended before others: its end is told to us, too */
	int is_killed;	/* one that was held; none can be told of as stopped */
	struct itimerval alarm; /* that was set before ours */
	/* A thread that is ours already, and in a stop: taken as it is, once, and left in that stop
	 * when all are let go; 0: none. */
	pid_t held, kept;
	int held_ends;	      /* with us, should we end meanwhile */
	uint64_t instruction; /* address of a syscall instruction in the target; 0: none known */
	uint64_t restore; /* of code that calls rt_sigreturn, and a ret follows instruction; or 0 */
	uint32_t patience_ms; /* for a thread to reach its stop, while others are held; 0: usual */
	uint64_t stopped_at;  /* when the first one was */
	uint64_t longest;     /* stop of all of them so far, ns */
	uint32_t rescued;     /* threads that were brought home */
	int is_one;	      /* only one is stopped */
	int suspends;	      /* filters (seccomp) are to be off while a thread is held */
	void (*beat)(void *arg); /* called now and then while it waits; NULL */
	void *arg;
};

/* As C libraries have them for their handlers' return, mov $15, %rax or %eax; syscall; and syscall;
 * ret. Bytes and their number. */
#define REMOTE_RESTORE	     INSTRUCTION_SIGRETURN
#define REMOTE_RESTORE_SHORT "\xb8\x0f\0\0\0\x0f\x05", 7
#define REMOTE_INSTRUCTION   "\x0f\x05\xc3", 3
#define REMOTE_CALL	     "\x0f\x05", 2

enum remote_refusal {
	REMOTE_STOPPED = 1, /* job control holds it */
	REMOTE_LATE,	    /* a thread does not reach its stop */
	REMOTE_DENIED,	    /* someone else traces a thread, or we may not */
	REMOTE_GONE,	    /* the process has ended, or runs another program */
};

/* Stops them all. 0; -enum remote_refusal: none is held, or was hurt, but some may be late. Needs
 * the handler of SIGALRM that tracer/tracee.h asks for. */
int remote_stop(struct remote *r, pid_t pid);

/* One of them only. As remote_stop. */
int remote_stop_one(struct remote *r, pid_t pid);

/* They go on, with the calls that the stop had interrupted. Those that are late are waited for, but
 * not for long. */
void remote_release(struct remote *r);

/* A main thread that is attached to and interrupted, and does not stop yet: it is late from now on.
 * While none is held. */
void remote_expect(struct remote *r, pid_t tid);

/* To be called often while there are some that are late, now and then where unreaped is set: meets
 * whose stop has come. How many are left. */
uint32_t remote_attend(struct remote *r);

/* It will go on there, also should we die before. 0 or -errno. */
int remote_move(struct remote_thread *t, uint64_t pc);

/* Bytes of the stopped process, whatever their protection; 0 or -errno. */
int remote_poke(const struct remote *r, uint64_t at, const void *bytes, size_t n);

void remote_fini(struct remote *r);

/* A system call made by one of the stopped threads, with text (fewer than 100 bytes), if not NULL,
 * as its first argument; its result, or -errno of the call. -EIO: it could not be made, as where
 * there is no instruction for it any more. -EAGAIN:
 * each has a signal to be passed on; let them go first. -ENOEXEC: a filter (seccomp) is in force
 * for each of them. */
long remote_call(struct remote *r, long number, const char *text, const uint64_t args[6]);

#endif
