/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One unwind rule: how to get from a frame to its caller.
 */
#ifndef UNWIND_RULE_H
#define UNWIND_RULE_H

#include "output/types.h"

enum rule_kind {
	RULE_NONE,	/* no unwind information for this address */
	RULE_PLAIN,	/* CFA = register + offset; registers at offsets from it */
	RULE_FULL,	/* expressions: see struct full_rule */
	RULE_SIGRETURN, /* the kernel's signal frame: registers are in the ucontext at sp */
	RULE_END,	/* the outermost frame: its return address is undefined */
	RULE_ENTRY,	/* none, but a program starts here: see entry.h */
	RULE_CONTEXT,	/* the same, but not called: makecontext put its address there */
	RULE_LIKELY,	/* as RULE_PLAIN, but read off the code: see way_out.h */
	RULE_SWITCHED,	/* the caller's frame is on another stack; Go may have saved where */
};

/* The callee-saved registers of the x86-64 ABI, which frames save, and their DWARF numbers. */
enum saved { SAVED_RBX, SAVED_RBP, SAVED_R12, SAVED_R13, SAVED_R14, SAVED_R15, SAVED_COUNT };
static const uint8_t rule_saved_register[SAVED_COUNT] = {
	DWREG_RBX, DWREG_RBP, DWREG_R12, DWREG_R13, DWREG_R14, DWREG_R15};

struct rule {
	uint8_t kind;
	uint8_t cfa_register;
	uint8_t is_signal; /* what is found is exact, not a return address */
	uint8_t place;	   /* enum go_place */
	union {
		int32_t cfa_offset;
		uint32_t full; /* RULE_FULL: number of its struct full_rule */
	};
	int16_t ra_offset;	    /* from the CFA */
	int16_t saved[SAVED_COUNT]; /* the same; of a register that is not restored: ra_offset */
	uint16_t restored;	    /* bits 1 << number: registers that are at saved[] */
	uint16_t same;		    /* those that are as in the caller; all others are unknown */
	int16_t lowest, highest;    /* of these offsets */
	uint16_t curg;		    /* where Go changes stacks: see go_stacks_curg */
};

/* A plain rule in 32 bits, as most are: CFA = sp or rbp + offset, the return address is the word
 * below the CFA, all registers that are saved are below it. 0: the rule is not of that kind. */
uint32_t rule_brief(const struct rule *rule);

/* The caller's rbp is unknown; else it is saved, or as it was. */
static inline int brief_loses_rbp(uint32_t brief)
{
	return brief & 1;
}

static inline int brief_by_rbp(uint32_t brief)
{
	return brief & 2;
}

/* How far below the return address rbp is; 0: not saved. */
static inline uint32_t brief_rbp(uint32_t brief)
{
	return brief & 0xfc;
}

/* How far below the return address the lowest register is. */
static inline uint32_t brief_lowest(uint32_t brief)
{
	return brief >> 5 & 0x7f8;
}

static inline int64_t brief_cfa(uint32_t brief)
{
	return (int64_t)((int32_t)brief >> 16) * 8;
}

#endif
