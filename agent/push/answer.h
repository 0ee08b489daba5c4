/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What came of one request: a status of HTTP, or why there is none.
 *
 * What is to be done about it follows the writer of Grafana Alloy, but for one thing: as long as a
 * store is merely away, nothing is given up. So these are told apart:
 *
 *	taken	2xx
 *	away	no answer at all, or 408, 429, 502, 503, 504: tried again until the queue is full
 *	failed	other 5xx, or our own process died of it: at most LIMIT_PUSH_TRIES times, for the
 *		store may fail at this very profile
 *	refused	3xx and other 4xx: never again; redirects are not followed, for they would lead
 *		the secret elsewhere
 */
#ifndef PUSH_ANSWER_H
#define PUSH_ANSWER_H

#include <stdint.h>

#define ANSWER_TEXT 304u

/* In error, besides libcurl's codes. */
#define ANSWER_DIED 1000u /* the process that sent it ended */
#define ANSWER_HUNG 1001u /* it did not come to an end, and was killed */

struct answer {
	uint32_t error;		/* 0: there is a status */
	uint32_t status;	/* of HTTP; 0: none came */
	uint32_t retry_after;	/* seconds; 0: not said */
	char text[ANSWER_TEXT]; /* the begin of the reply, where a redirect leads, or the error */
};

enum answer_meaning { ANSWER_TAKEN, ANSWER_AWAY, ANSWER_FAILED, ANSWER_REFUSED };

enum answer_meaning answer_meaning(const struct answer *a);

#endif
