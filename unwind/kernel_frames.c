/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unwind/kernel_frames.h"

void kernel_frames_put(const struct capture *capture, struct stack *stack)
{
	const unsigned char *numbers = capture->stack + capture->stack_len + capture->other_len;
	uint32_t n = capture->n_kernel, number;

	if (stack->n + n > LIMIT_FRAMES) {
		stack->n = LIMIT_FRAMES - n;
		stack->end = STACK_DEPTH;
	}
	memmove(stack->v + n, stack->v, stack->n * sizeof(*stack->v));
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&number, numbers + i * sizeof(number), sizeof(number));
		stack->v[i] = (struct frame){.offset = number, .module = KERNEL_MODULE};
	}
	stack->n += n;
}
