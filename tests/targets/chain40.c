/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain40 [SECONDS]: spins in chain_01, called by chain_02, and so on up to chain_40, called by
 * main: every frame has its own name, so a lost or repeated one shows.
 */
#include "target.h"

#define LINK(name, callee)                                                                         \
	static FRAME void name(void)                                                               \
	{                                                                                          \
		callee();                                                                          \
		KEEP_FRAME();                                                                      \
	}

static FRAME void chain_01(void)
{
	SPIN(target.per_us * 2000);
	KEEP_FRAME();
}

LINK(chain_02, chain_01)
LINK(chain_03, chain_02)
LINK(chain_04, chain_03)
LINK(chain_05, chain_04)
LINK(chain_06, chain_05)
LINK(chain_07, chain_06)
LINK(chain_08, chain_07)
LINK(chain_09, chain_08)
LINK(chain_10, chain_09)
LINK(chain_11, chain_10)
LINK(chain_12, chain_11)
LINK(chain_13, chain_12)
LINK(chain_14, chain_13)
LINK(chain_15, chain_14)
LINK(chain_16, chain_15)
LINK(chain_17, chain_16)
LINK(chain_18, chain_17)
LINK(chain_19, chain_18)
LINK(chain_20, chain_19)
LINK(chain_21, chain_20)
LINK(chain_22, chain_21)
LINK(chain_23, chain_22)
LINK(chain_24, chain_23)
LINK(chain_25, chain_24)
LINK(chain_26, chain_25)
LINK(chain_27, chain_26)
LINK(chain_28, chain_27)
LINK(chain_29, chain_28)
LINK(chain_30, chain_29)
LINK(chain_31, chain_30)
LINK(chain_32, chain_31)
LINK(chain_33, chain_32)
LINK(chain_34, chain_33)
LINK(chain_35, chain_34)
LINK(chain_36, chain_35)
LINK(chain_37, chain_36)
LINK(chain_38, chain_37)
LINK(chain_39, chain_38)
LINK(chain_40, chain_39)

int main(int argc, char **argv)
{
	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_running())
		chain_40();
	truth("frames", 40);
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
