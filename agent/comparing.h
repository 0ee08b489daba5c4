/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -compare OLD NEW and -fail-over PCT: reads two profiles, prints what grew and what shrank.
 */
#ifndef AGENT_COMPARING_H
#define AGENT_COMPARING_H

struct options;

/* Of a run that only does this: old is set. */
struct comparing {
	const char *old, *new; /* files; NULL: not asked */
	int may_fail;	       /* -fail-over was given: */
	double fail_over; /* a growth of more than this part of the old total is a regression */
};

/* One of the two options. 0, or -EINVAL told. */
int comparing_set(struct comparing *c, const char *name, const char *value);

/* Once all are there. 0, or -EINVAL told. */
int comparing_settle(const struct options *o);

/* The program's exit status: 0, 1 (a file, or standard output), 2 (they are not of one type), 5. */
int comparing_run(const struct options *o);

#endif
