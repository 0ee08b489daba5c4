/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module a worker died of is read less, or not at all, from then on; the user is told. */
#ifndef AGENT_BLAME_H
#define AGENT_BLAME_H

#include "agent/session.h"

void blame_module(struct session *s, const struct supervisor_role *ended);

#endif
