/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of -dump, from what session has collected: one thread for each stack of the interval's
 * snapshot, with what its tracer told beside it.
 */
#ifndef AGENT_DUMP_H
#define AGENT_DUMP_H

#include "agent/session.h"

/* As text, JSON or goroutine. The number of threads in it, or -errno. pid: only of that process; 0:
 * of all. */
long dump_page(struct session *s, enum format format, int32_t pid, struct buf *out);

#endif
