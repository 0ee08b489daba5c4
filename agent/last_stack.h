/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last stack of a thread that later captures may refer to: one that sleeps has the same stack
 * until it runs again, and it is sent once.
 */
#ifndef AGENT_LAST_STACK_H
#define AGENT_LAST_STACK_H

#include "base/message.h"

/* Zero-initialized is none. */
struct last_stack {
	uint32_t id, end, missing;
	uint32_t n, room;
	struct frame *frames;
};

void last_stack_fini(struct last_stack *l);

/* Keeps the stack of w, where anything may refer to it. 0 or -ENOMEM. */
int last_stack_keep(struct last_stack *l, const struct worker_stack *w, const struct frame *frames);

/* Completes w, which refers to a stack: the frames, w->n of them. One that was lost on the way has
 * none, and ends as STACK_WORKER_LOST. */
const struct frame *last_stack_of(const struct last_stack *l, struct worker_stack *w);

#endif
