/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions as .eh_frame_hdr lists them: where one begins and ends, and who may be its caller.
 */
#ifndef UNWIND_FUNCTIONS_H
#define UNWIND_FUNCTIONS_H

#include "unwind/call_site.h"

struct function {
	uint64_t address;	    /* in the target */
	uint64_t offset;	    /* in the file */
	const unsigned char *bytes; /* n of them; the file's, to be read while it is marked so */
	size_t n;
};

/* The one around a file offset of the module that map maps, as far as its segment has it; the
 * caller marks the module as being read. 0 or -1. */
int functions_find(
	const struct code *code, const struct mapping *map, uint64_t offset, struct function *out);

/* Whether the call before return_address goes directly to the function around offset. */
int functions_is_caller(const struct code *code, uint64_t return_address, const struct mapping *map,
	uint64_t offset);

/* Whether what is called at address may end with a jump to another function: it has a jump that
 * leaves it, or one through a register or memory, or cannot be looked at. */
int functions_may_jump_on(const struct code *code, uint64_t address);

#endif
