/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recursion [SECONDS [DEPTH]]: spins under DEPTH (100) frames of recurse(). */
#include "target.h"

static FRAME void recursion_leaf(void)
{
	SPIN(target.per_us * 2000);
	KEEP_FRAME();
}

static FRAME void recurse(uint64_t depth)
{
	if (depth > 1)
		recurse(depth - 1);
	else {
		while (target_running())
			recursion_leaf();
	}
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	uint64_t depth = arg_number(argc, argv, 2, 100);

	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	recurse(depth ? depth : 1);
	truth("depth", depth);
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
