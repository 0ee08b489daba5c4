/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shares [SECONDS]: five functions with 40, 25, 20, 10 and 5 % of one thread's CPU time. Slices
 * come from a shuffled deck, so the shares hold in every few milliseconds and no fixed tick can
 * fall in step with them.
 */
#include "target.h"

enum { functions = 5, deck_size = 20, slice_us = 200 };

static const char *const names[functions] = {
	"share_40", "share_25", "share_20", "share_10", "share_05"};
static const int slices[functions] = {8, 5, 4, 2, 1};
static uint64_t used[functions];
static uint64_t unit;

#define SHARE(name)                                                                                \
	static FRAME void name(void)                                                               \
	{                                                                                          \
		SPIN(unit);                                                                        \
		KEEP_FRAME();                                                                      \
	}

SHARE(share_40)
SHARE(share_25)
SHARE(share_20)
SHARE(share_10)
SHARE(share_05)

static void (*const run[functions])(void) = {share_40, share_25, share_20, share_10, share_05};

static FRAME void deal(const int *deck)
{
	for (int i = 0; i < deck_size; i++) {
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		run[deck[i]]();
		used[deck[i]] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	}
}

int main(int argc, char **argv)
{
	uint64_t started, sum = 0, total;
	uint32_t seed = 12345;
	int deck[deck_size];
	int n = 0;

	target_init(arg_number(argc, argv, 1, 0));
	unit = target.per_us * slice_us;
	for (int f = 0; f < functions; f++) {
		for (int i = 0; i < slices[f]; i++)
			deck[n++] = f;
	}
	started = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	target_ready();
	while (target_running()) {
		target_shuffle(deck, deck_size, &seed);
		deal(deck);
	}
	total = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - started;
	for (int f = 0; f < functions; f++) {
		truth(names[f], used[f]);
		sum += used[f];
	}
	truth("accounted", sum);
	truth("process_cpu", total);
	truth("wrong_shares", sum * 100 < total * 98 || sum > total);
	return sum * 100 < total * 98 || sum > total;
}
