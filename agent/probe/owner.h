/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a probe is: written into it, so that another one of us knows whether its tracer lives.
 */
#ifndef PROBE_OWNER_H
#define PROBE_OWNER_H

#include "agent/probe/layout.h"

/* We are. */
void owner_write(struct probe_shared *shared);

/* Its tracer lives, or may live: where that cannot be seen from here, its last word is not long
 * ago. most: ticks that its word is good for; one that is good for longer is none. */
int owner_is_alive(const struct probe_shared *shared, uint64_t most);

/* Nobody any more. */
void owner_clear(struct probe_shared *shared);

#endif
