/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * depths [SECONDS]: half of its CPU time near main, then the other half deep down a stack of 200
 * KiB, which takes longer to copy: a profiler that holds its pauses to a share of the time has to
 * go slower in the second half.
 */
#include "target.h"

enum { LEVELS = 200, FRAME_BYTES = 1000 };

WORK(shallow_work)
WORK(deep_work)

static FRAME uint64_t until(uint64_t cpu, void (*work)(uint64_t))
{
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID), now = began;

	while (now - began < cpu) {
		work(500);
		now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	}
	return now - began;
}

static FRAME uint64_t descend(int level, uint64_t cpu)
{
	volatile char room[FRAME_BYTES];
	uint64_t used;

	room[0] = room[FRAME_BYTES - 1] = (char)level;
	used = level ? descend(level - 1, cpu) : until(cpu, deep_work);
	return used + (room[0] != (char)level);
}

int main(int argc, char **argv)
{
	uint64_t half = arg_number(argc, argv, 1, 8) * 500000000ull;

	target_init(0);
	target_ready();
	/* The profiler's window opens meanwhile. */
	usleep(700000);
	truth("shallow", until(half, shallow_work));
	truth("deep", descend(LEVELS, half));
	return 0;
}
