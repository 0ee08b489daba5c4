/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What session wants taken over, as places in the process.
 */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include "agent/probe/probe.h"
#include "agent/tracer/process.h"

/* ask: followed by its lists, size bytes in all. The plan is valid until the next call. 0; -1: it
 * makes no sense, or a module is not where it was. */
int plan_make(struct probe_plan *plan, const struct process *p, const struct tracer_probe *ask,
	size_t size);

#endif
