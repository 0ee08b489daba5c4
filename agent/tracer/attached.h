/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ptrace calls of whoever stays attached (watcher.c); those of a single stop are in tracee.c.
 *
 * An attached thread stops for each signal, each thread that it creates and each exec, and stays
 * stopped until one of the calls below. All of them belong to the thread that attached: its end
 * lets all go, stops none of them, and leaves their system calls alone.
 */
#ifndef TRACER_ATTACHED_H
#define TRACER_ATTACHED_H

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

/* What the event has to say: the thread that is created; before an exec, its caller's id. 0 or
 * more. */
pid_t attached_subject(pid_t tid);

/* Runs on, with that signal if any. */
void attached_go_on(pid_t tid, int signal);

/* Stays in its group stop, which SIGCONT ends. */
void attached_stay(pid_t tid);

/* Runs on and is nobody's. */
void attached_let_go(pid_t tid);

#endif
