/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the threads of a group have in common: distinct texts, and how many threads have each.
 */
#ifndef OUTPUT_DUMP_TALLY_H
#define OUTPUT_DUMP_TALLY_H

#include "output/dump.h"

struct dump_tally_row {
	char *text;
	uint32_t n;
};

struct dump_tally {
	struct dump_tally_row *v; /* the most frequent first */
	uint32_t n;
};

/* A thread's text. */
typedef void dump_tally_put(struct buf *out, const struct dump *d, const struct dump_thread *t);

/* 0, -ENOMEM, or -E2BIG for a text that is too long. In all cases the caller calls dump_tally_fini.
 */
int dump_tally_group(struct dump_tally *t, const struct dump *d, const struct dump_group *g,
	dump_tally_put *put);
void dump_tally_fini(struct dump_tally *t);

#endif
