/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ptrace calls of whoever stays attached: to all threads (watcher.c), or to the command that we
 * start until its probe is in (hold.c). Those of a single stop are in tracee.c.
 *
 * An attached thread stops for each signal, each thread that it creates and each exec, and stays
 * stopped until one of the calls below. All of them belong to the thread that attached: its end
 * lets all go, stops none of them, and leaves their system calls alone.
 */
#ifndef TRACER_ATTACHED_H
#define TRACER_ATTACHED_H

#include <stdint.h>
#include <sys/types.h>

enum attached_event {
	ATTACHED_TRAP,	/* a thread that was just born, or goes on after a group stop */
	ATTACHED_GROUP, /* held by job control */
	ATTACHED_CLONE, /* it creates a thread, or a process that is no child like others */
	ATTACHED_EXEC,	/* it became the leader, and runs another program */
	ATTACHED_SIGNAL,
	ATTACHED_END, /* no stop: it is gone */
};

struct attached_stop {
	pid_t tid;
	enum attached_event event;
	int signal; /* ATTACHED_SIGNAL */
};

/* Without a stop; its threads to come are attached as they are born. 0 or -errno. */
int attached_seize(pid_t tid);

/* The next event. 1; 0 none yet, or a signal of ours came; -ECHILD: nobody is attached. */
int attached_next(struct attached_stop *stop, int may_wait);

/* The same of one thread, without waiting: others may be stopped by others of us. */
int attached_next_of(pid_t tid, struct attached_stop *stop);

/* What the event has to say: the thread that is created; before an exec, its caller's id. 0 or
 * more. */
pid_t attached_subject(pid_t tid);

/* Runs on, with that signal if any. */
void attached_go_on(pid_t tid, int signal);

/* A command of ours runs on, and stops at its next exec. Our end is its own no more. */
void attached_follow(pid_t tid);

/* Stays in its group stop, which SIGCONT ends. */
void attached_stay(pid_t tid);

/* Runs on and is nobody's. */
void attached_let_go(pid_t tid);

/* A command of ours, which has not begun: our end is its own, for as long as it is attached. 0 or
 * -errno. */
int attached_seize_command(pid_t tid);

/* It stops soon, for ATTACHED_TRAP or what comes before. */
void attached_interrupt(pid_t tid);

/* For one that is stopped: it stops with SIGTRAP before it runs an instruction at one of these
 * addresses, of at most two; 0: none. Its code stays as it is. 0 or -errno. */
int attached_break_at(pid_t tid, uint64_t one, uint64_t other);

/* Where it goes on; 0: not known. */
uint64_t attached_pc(pid_t tid);

#endif
