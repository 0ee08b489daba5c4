/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the run says of itself: the honesty block. What was due and what was taken, what was lost
 * and why, how the CPU time adds up, what the target paid.
 */
#ifndef AGENT_SUMMARY_H
#define AGENT_SUMMARY_H

#include "agent/session.h"
#include "base/buf.h"

/* Lines for the terminal. */
void summary_text(const struct session *s, struct buf *out);

/* At most four short lines, each ending in a newline, for a profile's comments; p: only of that
 * process; NULL: of all. */
void summary_comments(const struct session *s, enum profile_kind kind, const struct process_info *p,
	struct buf *out);

#endif
