/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile of what session has collected: of the interval that is written.
 */
#ifndef AGENT_PROFILES_H
#define AGENT_PROFILES_H

#include "agent/session.h"
#include "output/profile.h"

struct profiles_how {
	enum profile_kind kind;
	int32_t pid;	/* all of it is of that process; 0: of all */
	int is_like_go; /* threads as goroutines */
	int is_in_ns;	/* weights are times: a sum that was counted (agent/sum.h) */
	int is_delta;	/* of a moment and yet of a time: its end and its length are given */
	int is_limited; /* to what stores of profiles take */
	enum heap_part part;
};

/* 0 or -errno. The caller frees. */
int profiles_build(const struct session *s, const struct profiles_how *how, struct profile **out);

/* The one that is asked for where none is named: the first one that is still there; NULL: none is.
 */
const struct process_info *profiles_first(const struct session *s);

/* The module that such a process runs, of its newest mappings; 0: not known. */
uint32_t profiles_program(const struct session *s, int32_t pid);

#endif
