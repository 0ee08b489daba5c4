/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which allocators of a process are taken over: all that may be called, each with all its
 * functions. A program may have its own beside the C library's, and libraries theirs.
 */
#ifndef AGENT_ALLOCATORS_H
#define AGENT_ALLOCATORS_H

#include "agent/session.h"

enum allocators_lack {
	ALLOCATORS_NOTHING, /* lacks */
	ALLOCATORS_NONE,
	ALLOCATORS_MANAGED, /* nearly all of its memory is Go's or Java's, and nothing else is
			       wished */
	ALLOCATORS_CHECKED, /* it belongs to a sanitizer, or looks for mistakes */
	ALLOCATORS_MANY,    /* more functions than fit in a message */
};

/* What the tracer is asked for, as it is sent. */
struct allocators {
	struct tracer_probe head;
	unsigned char lists[ALLOCATOR_FUNCTIONS_MAX * sizeof(struct allocator_function) +
			    ALLOCATOR_SLOTS_MAX * sizeof(struct allocator_slot)];
	uint32_t modules[ALLOCATOR_FUNCTIONS_MAX]; /* session's ids */
	uint32_t slots_cut;			   /* slots that there was no room for */
};

/* out: for the present tracer, but for the rate. */
enum allocators_lack allocators_choose(const struct session *s, struct allocators *out);

size_t allocators_size(const struct allocators *a); /* of the message */

/* "je_malloc of libfoo.so": the function of that number in the message. */
void allocators_name(
	const struct session *s, const struct allocators *a, uint32_t which, struct buf *out);

/* Whose memory is managed by itself, and so not seen: "Go", "Java"; NULL. */
const char *allocators_managed(const struct session *s);

/* Lines about what is not seen, for reasons of the program's own. */
void allocators_put_unseen(const struct session *s, struct buf *out);

/* Takes the worker's answer about a module: 0, -EPROTO or -ENOMEM. */
int allocators_learn(struct module *m, const struct wire_message *message);

#endif
