/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug information from a debuginfod server (-debuginfod): after the capture, for modules with
 * frames that have none, one at a time and within a deadline. A process of its own, without any
 * capability, runs debuginfod-find, which keeps what it loads in the user's cache; the worker
 * reads it from there like any other debug file.
 */
#ifndef AGENT_DEBUGINFOD_H
#define AGENT_DEBUGINFOD_H

#include <stdint.h>
#include <sys/types.h>

struct session;

struct debuginfod {
	pid_t pid;	 /* of debuginfod-find; 0: none runs */
	int answer;	 /* its standard output; -1 */
	uint32_t module; /* that it looks for */
	uint64_t ends;	 /* of all of it; 0: not begun */
	char path[4096];
	uint32_t len;	     /* of what it has said */
	uint32_t asked, got; /* in this interval */
	int over;	     /* nothing more is asked for in this interval */
};

/* Before an interval's files are asked for. */
void debuginfod_begin(struct session *s);

/* Goes on with it, where that was asked for. 1: something is still to come. */
int debuginfod_step(struct session *s);

/* Leaves it: what is here is enough. */
void debuginfod_leave(struct session *s);

#endif
