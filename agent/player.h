/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer's process of a replay (-replay): says to session what the recorded tracer said, in its
 * order, and pushes the recorded captures into the ring as fast as the worker takes them; it waits
 * for room, nothing is dropped. Session and worker do not know the difference but by what
 * agent/replay.h says.
 *
 * A recording that is damaged ends with TRACER_DAMAGED instead of TRACER_RECORDED and TRACER_DONE.
 * Returns the process's exit status when session is gone.
 */
#ifndef AGENT_PLAYER_H
#define AGENT_PLAYER_H

#include "agent/options.h"
#include "base/ring.h"

int player_main(int sock, struct ring *ring, const struct options *o);

#endif
