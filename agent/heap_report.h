/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run says of its heap profiles: of the interval that is written, what was allocated and is
 * in use with the error of both, what was lost, and what is not seen.
 */
#ifndef AGENT_HEAP_REPORT_H
#define AGENT_HEAP_REPORT_H

#include "agent/session.h"
#include "base/json.h"

/* One interval among many, without an end of line. */
void heap_report_line(const struct session *s, struct buf *out);

/* Lines of the summary; one of a profile's comments; the rate, part of another. */
void heap_report_text(const struct session *s, struct buf *out);
void heap_report_comment(const struct session *s, struct buf *out);
void heap_report_rate(const struct session *s, struct buf *out);

void heap_report_json(const struct session *s, struct json *j);

#endif
