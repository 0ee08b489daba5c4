/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tracers told of threads besides their stacks (-dump): the last of each.
 */
#ifndef AGENT_KNOWN_DETAILS_H
#define AGENT_KNOWN_DETAILS_H

#include "agent/deadlock.h"
#include "base/index.h"
#include "base/message.h"
#include "base/wire.h"

struct known_detail {
	uint32_t key;		    /* of the known thread */
	struct tracer_detail first; /* its first look */
	struct tracer_detail again; /* its second; meant only if has_again */
	uint32_t has_again;
	uint64_t still_since; /* when it was first seen with as many runs: CLOCK_MONOTONIC, ns */
	uint32_t is_still;    /* since an earlier dump */
	char *fd, *kernel;    /* never NULL */
};

/* Zero-initialized is empty. */
struct known_details {
	struct known_detail *v;
	uint32_t n, room;
	struct index by_key;
	uint32_t interval; /* of the dump that is being told of */
	uint64_t at;	   /* when it began to be */
};

void known_details_fini(struct known_details *k); /* for tests: a role ends by _exit */

/* A TRACER_DETAIL of the thread with that key. 0 or -errno. */
int known_details_tell(
	struct known_details *k, const struct wire_message *m, uint32_t key, uint64_t now);

/* NULL where nothing was told. */
const struct known_detail *known_details_find(const struct known_details *k, uint32_t key);

/* As both looks found the thread of that id to wait for one that holds its lock. 1, or 0: it did
 * not at one of them. */
int known_details_edges(const struct known_detail *d, int32_t tid, struct deadlock_edge *first,
	struct deadlock_edge *second);

/* Drops what was last told in an interval before that one. 0 or -ENOMEM. */
int known_details_forget(struct known_details *k, uint32_t interval);

#endif
