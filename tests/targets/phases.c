/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * phases [SECONDS]: one thread that works 3 ms and sleeps 47 ms. The work is six functions in turn,
 * half a millisecond each: a profiler that comes late to a burst misses the first ones.
 */
#include "target.h"

enum { phases = 6, phase_us = 500, sleep_us = 47000 };

static const char *const names[phases] = {
	"phase_1", "phase_2", "phase_3", "phase_4", "phase_5", "phase_6"};
static uint64_t used[phases];
static uint64_t unit;

#define PHASE(name)                                                                                \
	static FRAME void name(void)                                                               \
	{                                                                                          \
		SPIN(unit);                                                                        \
		KEEP_FRAME();                                                                      \
	}

PHASE(phase_1)
PHASE(phase_2)
PHASE(phase_3)
PHASE(phase_4)
PHASE(phase_5)
PHASE(phase_6)

static void (*const run[phases])(void) = {phase_1, phase_2, phase_3, phase_4, phase_5, phase_6};

int main(int argc, char **argv)
{
	uint64_t sum = 0;

	target_init(arg_number(argc, argv, 1, 0));
	unit = target.per_us * phase_us;
	target_ready();
	while (target_running()) {
		for (int i = 0; i < phases; i++) {
			uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

			run[i]();
			used[i] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
		}
		target_sleep_us(sleep_us);
	}
	for (int i = 0; i < phases; i++) {
		truth(names[i], used[i]);
		sum += used[i];
	}
	truth("accounted", sum);
	return !sum;
}
