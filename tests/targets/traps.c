/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traps [SECONDS]: breakpoints of the program's own, as JITs and checkers have them, as fast as
 * they come. Each must reach its handler.
 */
#include "target.h"

static volatile uint64_t handled;

static void on_trap(int sig)
{
	(void)sig;
	handled++;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = on_trap};
	uint64_t made = 0;

	target_init(arg_number(argc, argv, 1, 0));
	sigaction(SIGTRAP, &act, NULL);
	target_ready();
	while (target_running()) {
		for (int i = 0; i < 100; i++, made++)
			__asm__ volatile("int3");
	}
	truth("made", made);
	truth("handled", handled);
	return made != handled;
}
