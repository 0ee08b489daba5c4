/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One of the two libraries of dl_loop: the same code under another name (-DPART=NAME). */
#include "target.h"

void PART(uint64_t loops);

FRAME void PART(uint64_t loops)
{
	SPIN(loops);
	KEEP_FRAME();
}
