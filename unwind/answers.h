/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker tells session, packed into messages as base/message.h lays them out: many stacks
 * in one WORKER_STACKS, the names of many addresses in one WORKER_SYMBOLS.
 */
#ifndef UNWIND_ANSWERS_H
#define UNWIND_ANSWERS_H

#include "base/buf.h"
#include "base/message.h"

struct answers {
	int sock;
	struct buf buf;
	uint32_t module;    /* of the symbols in buf */
	uint32_t addresses; /* in buf */
	uint32_t answered;  /* addresses since answers_begin_symbols */
};

void answers_init(struct answers *a, int sock);
void answers_fini(struct answers *a);

/* Sends when the message is full. 0 or -errno. */
int answers_stack(struct answers *a, const struct capture *capture, const struct stack *stack);

/* What is packed goes out now. */
int answers_flush_stacks(struct answers *a);

/* begin, address for each in the order asked, end. Strings longer than LIMIT_NAME (names),
 * LIMIT_LINKAGE_NAME or LIMIT_PATH (files) are cut. answers_address is a symbolize_emit with a
 * struct answers as its arg.
 */
void answers_begin_symbols(struct answers *a, uint32_t module);
int answers_address(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n);

/* Of the n that were asked for nothing is known from a->answered on. */
int answers_nothing(struct answers *a, const uint64_t *offsets, uint32_t n);
int answers_end_symbols(struct answers *a);

#endif
