/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the heap and allocs profiles: the worker is asked which module has an allocator, the tracer
 * is told to take that one over, and the window opens once it has; at its end it tells what is
 * alive.
 */
#ifndef AGENT_HEAP_PROBE_H
#define AGENT_HEAP_PROBE_H

#include "agent/session.h"

/* The worker has read that module. */
void heap_probe_ask(struct session *s, uint32_t module);

/* Its answer. 0 or -EPROTO. */
int heap_probe_on_allocator(struct session *s, const struct worker_allocator *a);

/* The tracer is done with the threads: whether something is to be waited for. */
int heap_probe_await(struct session *s);

/* The tracer's answers. 0 or -errno. */
int heap_probe_on_armed(struct session *s, const struct probe_refused *why);
int heap_probe_on_live(struct session *s, const struct wire_message *m);

/* Why not, in words; ends the run. */
void heap_probe_refuse(struct session *s, const struct probe_refused *why);

/* A tracer has ended: 1 if the run ends with it, which has been told. */
int heap_probe_tracer_ended(struct session *s);

/* What the run says of itself. */
void heap_probe_text(const struct session *s, struct buf *out);
void heap_probe_comment(const struct session *s, struct buf *out);

#endif
