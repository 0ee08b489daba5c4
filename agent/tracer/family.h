/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes belong to the target besides those given by number: by name, and descendants.
 *
 * New descendants are found without any help of theirs: process ids are given out in ascending
 * order, and the last field of /proc/loadavg is the last one (proc_loadavg(5)), so one small read
 * tells that nothing was born, and else which ids to look at. A descendant whose parent ended
 * before we saw it (a daemon that forks twice within a tick) has lost its descent and is not found.
 */
#ifndef TRACER_FAMILY_H
#define TRACER_FAMILY_H

#include <stdint.h>
#include <sys/types.h>

struct family {
	int loadavg; /* descriptor; 0: not open */
	pid_t last;  /* id that was given out at the last look */
	pid_t from;  /* the same at the look before */
	int again;   /* an id is given out a moment before its process is there: look twice */
};

/* A process is a member or not; asked for its parent. */
typedef int family_has(const void *arg, pid_t pid);

/* What is done with one that was found. */
typedef void family_found(void *arg, pid_t pid);

/* Every process of that name: its comm, or the longer name that comm is the first 15 bytes of. */
void family_of_name(const char *name, family_found *found, void *arg);

/* Every process whose parent is a member and which is none itself; found must make it a member, so
 * that its children are found too. 0 or -errno. */
int family_of_all(family_has *has, family_found *found, void *arg);

/* The same for those born since the last look; the first look only begins. */
int family_of_new(struct family *f, family_has *has, family_found *found, void *arg);

/* Whether the process has ended, its status taken or not. */
int family_is_gone(pid_t pid);

void family_fini(struct family *f); /* for tests: a role ends by _exit */

#endif
