/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parent of the three roles. It starts them, kills and restarts tracer and worker on session's
 * word, passes signals on to session and its exit status to the shell; nothing else. It keeps the
 * privilege that a new tracer needs. If it dies, so do they, and the kernel lets the target go.
 */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include "agent/options.h"

/* Returns the program's exit status. */
int supervisor_run(const struct options *o);

#endif
