/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each role may still do. Called in the role's process before it reads its first message; a
 * role whose limits cannot be set does not run.
 *
 * session: under sudo the invoking user's ids, else its own; no capability but, for root itself,
 * the one to write into other users' folders. tracer: the capabilities that ptrace and /proc need.
 * worker: no ids of weight, no capability, no new descriptors from names, no new processes; a
 * system call outside its list fails with EACCES (seccomp(2)). All are killed when parent ends.
 */
#ifndef AGENT_SANDBOX_H
#define AGENT_SANDBOX_H

#include <sys/types.h>

#include "base/message.h"

/* 0, or -errno with *what naming the step that failed. */
int sandbox_enter(enum role role, pid_t parent, const char **what);

/* The same for a player, which takes the tracer's place in a replay: ids as session's, no
 * capability, and a filter like the worker's that lets it open files too, only to read them. */
int sandbox_enter_player(pid_t parent, const char **what);

/* A program that is run for session, in its place: no capability, killed with its parent, and in a
 * process group of its own. 0 or -errno. */
int sandbox_enter_client(pid_t parent);

/* Only the standard three and these two descriptors stay open; they may be the same. */
void sandbox_close_others(int a, int b);

/* For such a program: HOME is that of the user whose ids we have; under sudo the environment may
 * name root's. */
void sandbox_set_home(void);

/* The user's browser, likewise, but that it goes on when we end: in a session of its own. */
int sandbox_enter_browser(void);

#endif
