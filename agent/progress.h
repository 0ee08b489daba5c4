/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line that says what is going on: a bar on a terminal, one line at the start elsewhere. */
#ifndef AGENT_PROGRESS_H
#define AGENT_PROGRESS_H

#include "agent/session.h"

/* Whether there is someone at a terminal to show it to. */
int progress_is_shown(void);

void progress_begin(const struct session *s);
void progress_show(const struct session *s);
void progress_end(const struct session *s); /* clears the bar */

#endif
