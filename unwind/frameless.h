/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function that keeps a frame pointer has its frame just now: not in its first
 * instructions and not in its last ones, where rbp is still, or again, its caller's. Told by the
 * code around pc; what cannot be told counts as having one.
 */
#ifndef UNWIND_FRAMELESS_H
#define UNWIND_FRAMELESS_H

#include "output/types.h"

/* code: CODE_BYTES bytes, the one at pc is code[CODE_BEFORE]. How far above the stack pointer the
 * return address lies, in bytes; -1 where there is a frame. */
int frameless_return(const unsigned char *code);

#endif
