/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a signal took a thread to its alternate stack (sigaltstack): the kernel's frame there says
 * where the interrupted stack is.
 *
 * All of it is the target's word, which may say anything: the answer is good for one read of the
 * target's own memory.
 */
#ifndef TRACER_SIGFRAME_H
#define TRACER_SIGFRAME_H

#include <stddef.h>
#include <stdint.h>

/* The stack pointer that the signal interrupted, from the n bytes of stack at address base. 0: sp
 * is on no alternate stack, or its frame is not among these bytes, of which the first 64 KiB count.
 */
uint64_t sigframe_interrupted(const unsigned char *bytes, size_t n, uint64_t base, uint64_t sp);

#endif
