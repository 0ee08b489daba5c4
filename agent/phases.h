/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phases of a run, and what begins with each.
 *
 * attach -> snapshot -> sample -> stop -> flush -> debug -> symbolize -> write -> over
 *                         ^                                                |
 *                         +------------ an interval, not the last ---------+
 */
#ifndef AGENT_PHASES_H
#define AGENT_PHASES_H

#include "agent/session.h"
#include "base/now.h"

/* May go on to later phases at once, where there is nothing to wait for. */
void phases_go(struct session *s, enum phase phase);

/* In PHASE_STOP: to the tracer, also to one that was started in the place of one that died. */
void phases_ask_figures(struct session *s);

/* Where files are awaited and all are here, what waits for them goes on. */
void phases_files(struct session *s);

/* Whether the window, or the interval, is over. */
int phases_window_is_over(const struct session *s, uint64_t now);

/* Whether the end of the target is the end of the window: of a command, where none was asked for.
 */
int phases_end_is_meant(const struct session *s);

#endif
