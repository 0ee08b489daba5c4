/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -cleanup: the tracer is told to take out of a process what runs that were killed have left in it;
 * what it did is said, and ends the run. Nothing else is done.
 */
#ifndef AGENT_CLEANUP_H
#define AGENT_CLEANUP_H

#include "agent/session.h"

/* The tracer has found the process. */
void cleanup_begin(struct session *s);

/* Its answer; NULL: the process has ended. */
void cleanup_on_answer(struct session *s, const struct tracer_cleaned *a);

#endif
