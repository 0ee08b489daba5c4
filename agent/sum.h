/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intervals added up into one that nobody takes captures for: what a client of the server gets, who
 * came in one interval and leaves in another; and what was counted since the begin.
 *
 * A wait counts once in each sum: one that lasts counts where the sum begins, and not where others
 * do (table_entry.again).
 *
 * A sum is a struct interval of its own. It is closed at any time: its end is that of the last
 * interval that was added. What is added must be closed, and all of its stacks be there.
 */
#ifndef AGENT_SUM_H
#define AGENT_SUM_H

#include "agent/interval.h"

/* What of an interval goes into a sum. */
struct sum_part {
	uint32_t kinds; /* bit per enum profile_kind */
	int32_t pid;	/* only of that process; 0: of all */
	int is_less;	/* its samples are taken off: only of kinds of a moment */
};

/* 0 or -errno (-E2BIG past the ceilings of interval.h). An interval of which a sum has nothing yet
 * gives the sum its begin. */
int sum_add(struct interval *sum, const struct interval *from, const struct sum_part *part);

/* For counters that run as long as we do: threads have no ids there, only names, for there would be
 * ever more of them; weights are in ns, so that what was counted never gets less when the rate
 * changes. over: the time that the interval's ticks stand for. */
int sum_count(struct interval *sum, const struct interval *from, uint32_t kinds, uint64_t over);

#endif
