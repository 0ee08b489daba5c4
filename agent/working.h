/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker as session sees it: what it answers, and what becomes of that. What it is told is
 * brief.h.
 */
#ifndef AGENT_WORKING_H
#define AGENT_WORKING_H

#include "agent/session.h"
#include "base/wire.h"

/* To one that has just been started, for the first time or again: all that it must know, and what
 * the phase waits for. */
void working_start(struct session *s);

void working_on_message(struct session *s, struct wire_message *m);

/* It is gone, and all that it said is taken. The module that it died of is read less, or not at
 * all, from now on. */
void working_ended(struct session *s, const struct supervisor_role *ended);

#endif
