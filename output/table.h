/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of stacks: (stack, thread or goroutine, state, what is waited for) -> count, weight.
 *
 * Stacks are kept as a trie of (parent, frame) with the root first, so what they share is stored
 * once. A stack that is not complete gets a pseudo root frame {module 0, offset PSEUDO_END + end},
 * except STACK_NOT_READ, whose single frame already says why. Past LIMIT_TABLE_NODES nodes a stack
 * keeps only the frames that are already there, under the pseudo leaf PSEUDO_TABLE_FULL, and is
 * counted in table_overflow.
 */
#ifndef OUTPUT_TABLE_H
#define OUTPUT_TABLE_H

#include "output/types.h"

struct table;

struct table_entry {
	uint64_t count;
	uint64_t again;	    /* waits that count, too, for what begins with this table's interval */
	uint64_t weight;    /* of the thread's CPU time: its part is weight / sum of its weights */
	uint32_t thread;    /* index in session's list */
	uint32_t state;	    /* the kernel's letter, enum go_state, or 0 */
	uint32_t wait;	    /* enum wait_kind, or 0 */
	uint32_t flags;	    /* enum wait_flag: of a holder's stack */
	uint64_t lock;	    /* that is waited for, or 0 */
	uint64_t goroutine; /* its number: not the thread counts, but this; or 0 */
	uint32_t n;	    /* frames, at most LIMIT_FRAMES + 1 */
	const struct frame *frames; /* leaf first; borrowed during the callback */
};

struct table *table_new(void); /* NULL: no memory */
void table_free(struct table *table);

/* Adds to the entry of that stack and what's thread, state and lock; what's frames are not used. 0
 * or -ENOMEM. */
int table_add_entry(struct table *table, const struct stack *stack, const struct table_entry *what);

/* The same; returns where that entry is in the order of table_each, from 0 on; or -ENOMEM. */
long table_place_entry(
	struct table *table, const struct stack *stack, const struct table_entry *what);

/* As table_add_entry, of what is in an entry of another table, its frames included; its count may
 * be one that is to be taken off (a negative number, as its two's complement). */
int table_copy_entry(struct table *table, const struct table_entry *from);

/* The same for samples that wait for nothing and that stand for themselves. */
int table_add(struct table *table, const struct stack *stack, uint32_t thread, uint32_t state,
	uint64_t count);

/* Each unique (module, offset, flags) once, in no order. Stops at the first callback that is not 0
 * and returns its value. */
int table_each_frame(
	const struct table *table, int (*each)(void *arg, const struct frame *), void *arg);

/* Entries in the order in which they were first added; stops like table_each_frame. */
int table_each(
	const struct table *table, int (*each)(void *arg, const struct table_entry *), void *arg);

/* Stacks that lost frames because the table was full. */
uint64_t table_overflow(const struct table *table);

#endif
