/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What compilers make (V8, HotSpot, gcc, clang):
 *
 *	push %rbp; mov %rsp,%rbp; ...; pop %rbp or leave; [a few]; ret
 *	sub $N,%rsp; mov %rbp,N-8(%rsp); ...; add $N-8,%rsp; pop %rbp; [a few]; ret
 *
 * V8 checks something before the push, HotSpot touches the stack there and asks for a safepoint
 * before the ret.
 */
#include <string.h>

#include "unwind/frameless.h"

#define AHEAD  16u /* to a ret behind the end of the frame */
#define BEHIND 13u /* to that end: HotSpot's cmp and ja */

#define POP_RBP	 0x5d
#define PUSH_RBP 0x55
#define LEAVE	 0xc9
#define RET	 0xc3
#define RET_POPS 0xc2 /* with a 16-bit number of bytes */
#define INT3	 0xcc

#define AFTER (CODE_BYTES - CODE_BEFORE)

/* mov %rsp,%rbp in its two codings. */
static int is_move(const unsigned char *p)
{
	return !memcmp(p, "\x48\x89\xe5", 3) || !memcmp(p, "\x48\x8b\xec", 3);
}

static int is_return(const unsigned char *p)
{
	return *p == RET || (*p == RET_POPS && !p[2]) ||
	       ((*p == 0xf2 || *p == 0xf3) && p[1] == RET);
}

/* Up to it no other function begins: none of these ends or pads one. */
static int is_before_push(const unsigned char *at)
{
	for (unsigned i = 0; i + 4 <= AFTER && at[i] != RET && at[i] != INT3; i++)
		if (at[i] == PUSH_RBP && is_move(at + i + 1))
			return 1;
	return 0;
}

/* mov %rbp,N(%rsp) at p: N, else -1. */
static int stored_at(const unsigned char *p)
{
	int32_t wide;

	if (!memcmp(p, "\x48\x89\x6c\x24", 4))
		return (int8_t)p[4] >= 0 ? p[4] : -1;
	if (memcmp(p, "\x48\x89\xac\x24", 4) != 0)
		return -1;
	memcpy(&wide, p + 4, sizeof(wide));
	return wide >= 0 && wide <= (int)LIMIT_STACK_MAX ? wide : -1;
}

/* sub $N,%rsp and the store, from either of them. */
static int in_store(const unsigned char *at)
{
	int stored = stored_at(at);

	if (stored >= 0 &&
		(!memcmp(at - 4, "\x48\x83\xec", 3) || !memcmp(at - 7, "\x48\x81\xec", 3)))
		return stored + 8;
	if (!memcmp(at, "\x48\x83\xec", 3) && stored_at(at + 4) >= 0)
		return 0;
	return !memcmp(at, "\x48\x81\xec", 3) && stored_at(at + 7) >= 0 ? 0 : -1;
}

/* The frame is gone, and the way to the ret is short. */
static int is_after_pop(const unsigned char *at)
{
	unsigned behind = 1, ahead = 0;

	while (behind <= BEHIND && at[-(int)behind] != POP_RBP && at[-(int)behind] != LEAVE)
		behind++;
	while (ahead < AHEAD && !is_return(at + ahead))
		ahead++;
	return behind <= BEHIND && ahead < AHEAD;
}

int frameless_return(const unsigned char *code)
{
	const unsigned char *at = code + CODE_BEFORE;

	if (at[-1] == PUSH_RBP && is_move(at))
		return 8;
	if (is_return(at) || is_before_push(at) || is_after_pop(at))
		return 0;
	return in_store(at);
}
