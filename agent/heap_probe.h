/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the heap and allocs profiles: the worker is asked which module has an allocator, the tracer
 * is told to take that one over, and the window opens once it has; at its end, at each mark and
 * whenever it is asked it tells what is alive. Where the run serves it goes in when somebody asks
 * for it (agent/serve/probing.h).
 */
#ifndef AGENT_HEAP_PROBE_H
#define AGENT_HEAP_PROBE_H

#include "agent/session.h"

/* The worker has read that module. */
void heap_probe_ask(struct session *s, uint32_t module);

/* Its answer. 0 or -EPROTO. */
int heap_probe_on_allocator(struct session *s, const struct wire_message *message);

/* What was waited for may be there. */
void heap_probe_go_on(struct session *s);

/* The tracer is done with the threads: whether something is to be waited for. */
int heap_probe_await(struct session *s);

/* Puts it in, as soon as the worker has answered for all modules. */
void heap_probe_begin(struct session *s);

/* The tracer's answers. 0 or -errno. */
int heap_probe_on_armed(struct session *s, const struct probe_refused *why);
int heap_probe_on_live(struct session *s, const struct wire_message *m);

/* Why not, in words; ends the run. */
void heap_probe_refuse(struct session *s, const struct probe_refused *why);
/* In the event loop: asks what is alive where much is kept that may be dead. */
void heap_probe_step(struct session *s);

/* All stacks of the interval are there: what was lost on their way, once for each interval. */
void heap_probe_count_lost(struct session *s, const struct interval *i);

/* The same, and what is written gets its heap profiles, once. 0 or -ENOMEM. */
int heap_probe_settle(struct session *s);

/* A tracer has ended: 1 if the run ends with it, which has been told. */
int heap_probe_tracer_ended(struct session *s);

#endif
