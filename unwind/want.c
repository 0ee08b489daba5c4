/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/want.h"

#include "base/limits.h"

/* Captures until a want that is never needed again has fallen to a third: a stack that is deep once
 * in a hundred captures must find its room. */
#define WANT_DECAY 1024u

uint64_t want_need(const struct slice *s, uint64_t sp, uint64_t wanted)
{
	uint64_t need = s->used_end > sp ? s->used_end - sp : 0;

	/* A copy that was cut needs much more more often than a little: fewer rounds until it fits.
	 * What is farther away is on another stack (a handler's caller) and in no larger copy. */
	return wanted - sp < LIMIT_STACK_MAX && wanted - sp > need ? 3 * (wanted - sp) : need;
}

uint32_t want_next(uint32_t want, uint64_t need)
{
	uint64_t room = need + need / 2;

	if (!want)
		want = LIMIT_STACK_FIRST;
	if (room > LIMIT_STACK_MAX)
		room = LIMIT_STACK_MAX;
	return room >= want ? room : want - (want - room) / WANT_DECAY;
}
