/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The summary for machines (-summary): one JSON object and a line break for each interval, those of
 * a run one after the other. Times are seconds; what its members mean is in the manual page.
 */
#ifndef AGENT_SUMMARY_JSON_H
#define AGENT_SUMMARY_JSON_H

#include "agent/session.h"
#include "base/buf.h"

void summary_json(const struct session *s, struct buf *out);

#endif
