/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which function gets which hook, where its thunk lies, and what cannot be taken over.
 */
#ifndef PROBE_HOOKS_H
#define PROBE_HOOKS_H

#include "agent/probe/probe.h"

/* Where the region goes, and the islands that it takes. After space_read. 0; -1: there is no room.
 */
int hooks_place(struct probe *p, const struct probe_plan *plan);

/* Reads the functions, and makes all that is written later. 0, or -1 and why. */
int hooks_prepare(struct probe *p, const struct probe_plan *plan, struct probe_refused *why);

#endif
