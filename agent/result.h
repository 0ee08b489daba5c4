/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a run: profiles into files, the top table on stdout, the honesty block on stderr.
 */
#ifndef AGENT_RESULT_H
#define AGENT_RESULT_H

#include "agent/session.h"

/* Before anything is sampled: can all outputs be written? 0, or -errno after telling the user. */
int result_probe(const struct session *s);

/* Writes all. The program's exit status: 0, 1 (told), 4 (no samples at all, told). */
int result_write(struct session *s);

#endif
