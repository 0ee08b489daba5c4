/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's functions that a capture names, as frames on top of its stack.
 */
#ifndef UNWIND_KERNEL_FRAMES_H
#define UNWIND_KERNEL_FRAMES_H

#include "output/types.h"

/* Of a stack that becomes too long by it the root side is cut. */
void kernel_frames_put(const struct capture *capture, struct stack *stack);

#endif
