/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each module that is in the profile: where its file came from, and from which
 * files its names, lines and unwind information.
 */
#ifndef AGENT_MODULES_REPORT_H
#define AGENT_MODULES_REPORT_H

#include "agent/session.h"
#include "base/buf.h"

/* A line for each, those with the most samples first. */
void modules_report(const struct session *s, struct buf *out);

/* A line for each kind of file that a module names and that was not found, where that costs names:
 * dwz's and split ones. */
void modules_report_missing(const struct session *s, struct buf *out);

#endif
