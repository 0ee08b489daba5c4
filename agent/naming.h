/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a run: each place in the code that a profile needs is asked for once, a module at a
 * time, after its other files have been looked for (agent/wants.h). A worker that dies on the way
 * is asked again by its successor, without the module that killed it.
 */
#ifndef AGENT_NAMING_H
#define AGENT_NAMING_H

#include "agent/session.h"

int naming_collect(struct session *s); /* the frames of all tables; 0 or -ENOMEM */

/* Asks for the next module's names, or the present one's again. 1 asked, 0 all done. */
int naming_ask(struct session *s, int again);

/* 1 when the present request is answered in full, 0 more to come, -EPROTO. */
int naming_on_symbols(struct session *s, const struct wire_message *m);

/* There is no time to wait for the present answer: it is taken when it comes. */
void naming_give_up(struct session *s);

/* TRACER_KERNEL: a name that the tracer has given a number. 0 or -errno. */
int naming_on_kernel(struct session *s, const struct wire_message *m);

#endif
