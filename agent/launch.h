/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that is profiled from its first instruction: forked early, it waits for our word, and
 * becomes the command only when the tracer has found it and samples.
 *
 * It has our terminal, our rights, and the signals as we were given them. Whether it could be run
 * comes back through a pipe that its exec closes.
 */
#ifndef AGENT_LAUNCH_H
#define AGENT_LAUNCH_H

#include <sys/types.h>

struct launch {
	pid_t pid;
	int word;   /* pipe: what is written there lets it go */
	int answer; /* pipe: readable when it runs, or cannot; -1: answered */
	int gone;   /* it was let go */
	int failed; /* it could not be run */
	int signalled;
};

/* 0 or -errno. The supervisor's part of yama's permission is given here, too. */
int launch_fork(struct launch *l, char **command);
void launch_go(struct launch *l);

/* Passes a signal on to it, the first time only: who repeats it means us. Whether it did. */
int launch_signal(struct launch *l, int signal);

/* 0 it runs, or -errno of exec. */
int launch_take_answer(struct launch *l);

/* Where it could not be run its process waits until all have been told, and ends here. */
void launch_end_failed(struct launch *l);

/* It was never let go: ends it without running anything. */
void launch_cancel(struct launch *l);

#endif
