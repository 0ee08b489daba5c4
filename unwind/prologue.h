/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame pointer of a function whose caller-visible rbp is not known: a thread that was read
 * without a stop has only pc and sp.
 *
 * The function's own code tells how far rbp is from sp (way_in.h). It counts only if the word above
 * it is a return address behind a call. Where sp was aligned there are a few places for it, and one
 * of them must be the only one with a return address. Where the code makes room whose size is known
 * to nobody else, the stack is searched upwards for a call to this very function; if there are
 * several, or one through a pointer or a PLT comes first, what is found is a guess.
 */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

enum prologue {
	PROLOGUE_NONE,
	PROLOGUE_SURE,
	PROLOGUE_LIKELY, /* a guess */
};

/* The frame at file offset of the module mapped by map, where the instruction at next comes next;
 * its stack pointer, and the bytes below rbp that its pushes take at least. */
enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, uint64_t pushed, const struct copy *copy, uint64_t *rbp);

#endif
