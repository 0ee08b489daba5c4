/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a run: each place in the code that a profile needs is asked for once, a module at a
 * time, after separate debug files have been looked for. A worker that dies on the way is asked
 * again by its successor, without the module that killed it.
 */
#ifndef AGENT_NAMING_H
#define AGENT_NAMING_H

#include "agent/session.h"

/* So many questions fit in the tracer's queue, and their answers in ours: both sides wait for room
 * there, and must never do so at the same time. */
#define NAMING_DEBUG_PENDING 64u

int naming_collect(struct session *s); /* the frames of all tables; 0 or -ENOMEM */

/* Asks for the debug files of the next modules with frames, as many as may be asked at once; how
 * many answers are to come. Again after each answer; 0: all are here. */
uint32_t naming_ask_debug_files(struct session *s);
void naming_on_debug_file(struct session *s, struct wire_message *m);

/* Asks for the next module's names, or the present one's again. 1 asked, 0 all done. */
int naming_ask(struct session *s, int again);

/* 1 when the present request is answered in full, 0 more to come, -EPROTO. */
int naming_on_symbols(struct session *s, const struct wire_message *m);

#endif
