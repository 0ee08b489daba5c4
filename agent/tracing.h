/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer as session sees it: what it is told at its start, and what it answers.
 */
#ifndef AGENT_TRACING_H
#define AGENT_TRACING_H

#include "agent/session.h"
#include "base/wire.h"

/* To a tracer that has just been started, for the first time or again. */
void tracing_start(struct session *s);

void tracing_on_message(struct session *s, struct wire_message *m);

/* The tracer has nothing more to say: the run ends with the present interval. */
void tracing_done(struct session *s);

#endif
