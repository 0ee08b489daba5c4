/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the entry of a function is taken over and given back: a jump of five bytes in place of its
 * first instructions, which are moved into a thunk that ends with a jump to the rest.
 *
 * Only what can be moved without a change of meaning is: addresses relative to the instruction are
 * adjusted, short jumps made long. A call becomes a push of the address behind it, where it is, and
 * a jump: so nothing ever returns to the thunk, and stacks look as before (a shadow stack would
 * know better: the caller refuses these there). A function that jumps into what is overwritten is
 * refused. An endbr64 stays.
 * Source: Intel SDM, volume 2.
 */
#ifndef PROBE_PATCH_H
#define PROBE_PATCH_H

#include <stddef.h>
#include <stdint.h>

#define PATCH_JUMP  5u	/* bytes that are overwritten */
#define PATCH_MOVED 20u /* bytes of whole instructions that hold them, at most */
#define PATCH_PARTS 5u	/* such instructions */
#define PATCH_THUNK 64u

enum patch_refusal {
	PATCH_FITS,
	PATCH_SHORT,   /* the function ends before */
	PATCH_UNKNOWN, /* an instruction that is not known */
	PATCH_CALL,    /* a call by a register, a jump that has no long form, an end */
	PATCH_INSIDE,  /* the function jumps into what would be overwritten */
	PATCH_FAR,     /* the thunk is too far away */
	PATCH_TAKEN,   /* it begins with a jump out of the function's module: someone was here */
	PATCH_REFUSALS
};

struct patch {
	uint64_t address; /* of the bytes that are overwritten */
	uint64_t thunk;	  /* address */
	uint32_t moved;	  /* bytes of the instructions that are in the thunk */
	uint32_t thunk_length;
	uint32_t has_call;		 /* that became a push and a jump */
	uint32_t n;			 /* these instructions: */
	uint8_t from[PATCH_PARTS];	 /* where each was, */
	uint8_t to[PATCH_PARTS];	 /* and where it is in the thunk */
	uint8_t saved[PATCH_MOVED];	 /* as it was */
	uint8_t thunk_code[PATCH_THUNK]; /* what belongs at thunk */
};

/* A function's code, n bytes at entry, for a thunk at that address. low and high: bounds of the
 * code of its module. PATCH_FITS, or why not. */
enum patch_refusal patch_make(struct patch *p, uint64_t entry, const uint8_t *code, size_t n,
	uint64_t thunk, uint64_t low, uint64_t high);

/* The jump to a hook: PATCH_JUMP bytes. 0, or -1 if it is too far away. */
int patch_jump(const struct patch *p, uint64_t hook, uint8_t *out);

/* Where a thread goes on that is at pc, once the entry is patched, or once it is as before; pc
 * itself where it does not matter. 0: nowhere, it has to go on first. */
uint64_t patch_moved_pc(const struct patch *p, uint64_t pc);
uint64_t patch_restored_pc(const struct patch *p, uint64_t pc);

/* Whether that is an address which nobody may come back to after the entry is patched. */
int patch_is_inside(const struct patch *p, uint64_t address);

/* One line; NULL for PATCH_FITS. */
const char *patch_refusal_text(enum patch_refusal why);

#endif
