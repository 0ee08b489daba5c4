/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the frame pointer is from the stack pointer, by what the code of a function has done
 * since it began: along every jump to the instruction asked for. A compiler's code has one distance
 * at each instruction, unless it makes room whose size it does not know (alloca, a variable length
 * array) or aligns the stack pointer. Where two ways lead to an instruction with different
 * distances, this is taken for the former.
 */
#ifndef UNWIND_WAY_IN_H
#define UNWIND_WAY_IN_H

#include <stddef.h>
#include <stdint.h>

#define WAY_IN_CODE_MAX 32768u /* bytes of the longest function that is looked through */

struct way_in {
	int is_dynamic; /* the distance is least or more, a multiple of 16 */
	uint32_t least; /* rbp - sp */
	uint32_t slack; /* not dynamic: it is at most so much more; 0: it is exactly least */
};

/* code: n bytes of a function from its beginning. at: the instruction that comes next. 0, or -1: it
 * has no frame pointer there, or is not to be understood. */
int way_in_find(const uint8_t *code, size_t n, size_t at, struct way_in *out);

#endif
