/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inline_chain [SECONDS]: spins in inlined_1, inlined into inlined_2, and so on up to outer, the
 * only real frame. The profile must show all six names in this order.
 */
#include "target.h"

#define INLINED static inline __attribute__((always_inline)) void

INLINED inlined_1(void)
{
	SPIN(target.per_us * 2000);
}

INLINED inlined_2(void)
{
	inlined_1();
}

INLINED inlined_3(void)
{
	inlined_2();
}

INLINED inlined_4(void)
{
	inlined_3();
}

INLINED inlined_5(void)
{
	inlined_4();
}

static FRAME void outer(void)
{
	inlined_5();
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_running())
		outer();
	puts("truth stack inlined_1;inlined_2;inlined_3;inlined_4;inlined_5;outer;main");
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
