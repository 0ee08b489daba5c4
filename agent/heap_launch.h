/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap profiles of a command from its first allocation on: the tracer holds it twice, at its
 * exec, to be told by the worker where its loader is done, and there, where its allocator is mapped
 * and has not been called yet. From then on it is like any process (agent/heap_probe.h).
 */
#ifndef AGENT_HEAP_LAUNCH_H
#define AGENT_HEAP_LAUNCH_H

#include "agent/session.h"

/* Whether the run is of that kind. */
int heap_launch_is(const struct session *s);

/* The tracer's word. 0 or -EPROTO. */
int heap_launch_on_held(struct session *s, const struct tracer_held *held);

/* The worker has said all there is to know of the modules: on to where the loader is done. */
void heap_launch_run(struct session *s);

/* Whether a command ended, or the window did, before the probe was in. */
int heap_launch_is_early(const struct session *s);

/* Since when allocations are seen, in words. */
const char *heap_launch_since(const struct session *s);

#endif
