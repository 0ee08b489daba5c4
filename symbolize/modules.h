/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of modules by id. Ids are session's, 1..LIMIT_MODULES; 0 is never a module.
 *
 * Owns its modules. A look-up is an array access and returns NULL for an id never heard of.
 */
#ifndef SYMBOLIZE_MODULES_H
#define SYMBOLIZE_MODULES_H

#include "symbolize/module.h"

struct modules {
	struct module **v; /* by id */
	uint32_t n;	   /* entries in v */
};

void modules_init(struct modules *table);
void modules_fini(struct modules *table); /* idempotent */

/* Opens a module and keeps it. Takes fd, also on failure. 0, -EEXIST (the id is taken), -E2BIG (id
 * out of range) or -ENOMEM. */
int modules_open(struct modules *table, int fd, uint32_t id, uint32_t flags);

/* Borrowed until modules_fini; NULL if there is none. */
struct module *modules_get(const struct modules *table, uint32_t id);

#endif
