/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns [SECONDS [TURN_MS [FIRST [HELP_MS]]]]: four functions of one thread, of which each in turn
 * has 70 % of the CPU time for TURN_MS (600) and then 10 %, from the FIRST one (0) on; in every
 * other turn half of the time is slept. So each window of time has shares and a sum of its own.
 * Every HELP_MS (0: never) a new thread comes that computes for 200 ms.
 *
 * Truth: lines "at REALTIME_NS PROCESS_CPU_NS TURN_1 TURN_2 TURN_3 TURN_4", the CPU time until then
 * of the process and of each function, some milliseconds apart; then "truth done 1".
 */
#include "target.h"

enum { functions = 4, deck_size = 20, slice_us = 200, looks_most = 20000 };

static uint64_t unit;

#define TURN(name)                                                                                 \
	static FRAME void name(void)                                                               \
	{                                                                                          \
		SPIN(unit);                                                                        \
		KEEP_FRAME();                                                                      \
	}

TURN(turn_1)
TURN(turn_2)
TURN(turn_3)
TURN(turn_4)

static void (*const run[functions])(void) = {turn_1, turn_2, turn_3, turn_4};

static struct look {
	uint64_t at, cpu, used[functions];
} looks[looks_most], now;
static size_t n_looks;

static void look(void)
{
	if (n_looks == looks_most)
		return;
	now.at = clock_ns(CLOCK_REALTIME);
	now.cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	looks[n_looks++] = now;
}

static FRAME void deal(int favourite, uint32_t *seed)
{
	int deck[deck_size], n = 0;

	for (int f = 0; f < functions; f++)
		for (int i = 0; i < (f == favourite ? 14 : 2); i++)
			deck[n++] = f;
	target_shuffle(deck, deck_size, seed);
	for (int i = 0; i < deck_size; i++) {
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		run[deck[i]]();
		now.used[deck[i]] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	}
}

static FRAME void help(void)
{
	SPIN(target.per_us * 200000);
	KEEP_FRAME();
}

static void *run_helper(void *arg)
{
	help();
	return arg;
}

static void tell(void)
{
	for (size_t i = 0; i < n_looks; i++) {
		const struct look *l = &looks[i];

		printf("at %" PRIu64 " %" PRIu64, l->at, l->cpu);
		for (int f = 0; f < functions; f++)
			printf(" %" PRIu64, l->used[f]);
		puts("");
	}
	truth("done", 1);
}

int main(int argc, char **argv)
{
	uint64_t turn_ns, first, help_ns, helped = 0;
	uint32_t seed = 4242;

	target_init(arg_number(argc, argv, 1, 0));
	turn_ns = arg_number(argc, argv, 2, 600) * 1000000;
	first = arg_number(argc, argv, 3, 0);
	help_ns = arg_number(argc, argv, 4, 0) * 1000000;
	unit = target.per_us * slice_us;
	target_ready();
	for (uint64_t began = clock_ns(CLOCK_MONOTONIC); target_running();) {
		uint64_t passed = clock_ns(CLOCK_MONOTONIC) - began;
		uint64_t turn = passed / turn_ns + first;

		if (help_ns && passed / help_ns > helped) {
			pthread_detach(target_thread("helper", run_helper, NULL));
			helped++;
		}
		look();
		deal((int)(turn % functions), &seed);
		look();
		if (turn % 2)
			target_sleep_us(deck_size * slice_us);
	}
	tell();
	return 0;
}
