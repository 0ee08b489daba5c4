/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of locks: those of the variables that they are, or are part of. Each address is asked
 * for once, after the names of code, some at a time; a worker that dies meanwhile is asked again.
 */
#ifndef AGENT_LOCKS_H
#define AGENT_LOCKS_H

#include "base/wire.h"

struct session;

/* Sorted by process and address, each once. */
struct lock_name {
	int32_t pid;
	uint32_t process; /* its number */
	uint64_t address;
	char *text; /* owned; NULL: it has none */
};

/* Zero-initialized is empty. */
struct locks {
	struct lock_name *v;
	uint32_t n, room;
	int is_full;	      /* others are left out */
	uint32_t next, asked; /* the first of the present request, and how many it has */
};

void locks_fini(struct locks *l);

/* Those of all tables of the interval that is written, in place of those before. 0 or -ENOMEM. */
int locks_collect(struct session *s);

/* Asks for the next ones, or the present ones again. 1 asked, 0 all done. */
int locks_ask(struct session *s, int again);

/* WORKER_DATA: the answer to the present request. 0, 1: to one that nobody waits for any more, or
 * -EPROTO. */
int locks_on_names(struct session *s, const struct wire_message *m);

/* "stock_lock", "table+0x40"; NULL: it has no name. */
const char *locks_name(const struct locks *l, int32_t pid, uint64_t address);

#endif
