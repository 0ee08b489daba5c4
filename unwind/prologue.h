/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame pointer of a function whose caller-visible rbp is not known: a thread that was read
 * without a stop has only pc and sp.
 *
 * The function's own code tells how far rbp is from sp (way_in.h). It counts only if the word above
 * it is a return address behind a call of this function, or one that may be. Where sp was aligned
 * there are a few places for it, and one of them must be the only one with a return address. Where
 * the code makes room whose size is known to nobody else, the stack is searched upwards. There the
 * return address of an earlier call may lie, left in room that is not used yet. It is told from the
 * true one by its callers: they have returned, and others have been there since.
 */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "unwind/call_site.h"
#include "unwind/copy.h"

enum prologue {
	PROLOGUE_NONE,
	PROLOGUE_SURE,
	PROLOGUE_DIRECT, /* certain if all callers up to the root call directly as well */
	PROLOGUE_LIKELY, /* a guess */
};

/* What the unwind rule says of the frame. */
struct frame_form {
	uint64_t pushed; /* bytes below rbp that are taken for sure */
	int64_t cfa_at;	 /* the CFA is kept at rbp + so much; 0: it is rbp + 16 */
};

/* The frame at file offset of the module mapped by map, where the instruction at next comes next,
 * and its stack pointer. */
enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, const struct frame_form *form, const struct copy *copy,
	uint64_t *rbp);

/* Whether such a frame can have that frame pointer. */
int prologue_fits(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, uint64_t rbp);

#endif
