/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -cleanup, as the tracer's loop sees it. */
#ifndef PROBE_CLEAN_H
#define PROBE_CLEAN_H

#include "agent/tracer/roster.h"

/* Takes out of the one process there is what runs that were killed have left in it, and answers on
 * sock. beat: see remote.h. */
void clean_process(int sock, struct roster *roster, void (*beat)(void *arg), void *arg);

#endif
