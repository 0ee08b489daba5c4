/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules: how to get from a frame to its caller at one code address. Compiled through libdw's
 * CFI interface when an address is first met, kept for good; "there is no rule" is kept too.
 *
 * Equal rules are stored once: a program of any size has some hundred. The cache holds 16 bytes per
 * address. .eh_frame is asked first, then .debug_frame of the module itself, then Go's table of
 * functions, which is also asked where a stack begins; separate debug files are never opened for
 * unwinding.
 */
#ifndef UNWIND_RULES_H
#define UNWIND_RULES_H

#include <elfutils/libdw.h>

#include "symbolize/go_stacks.h"
#include "symbolize/module.h"
#include "unwind/full_rules.h"

enum rule_kind {
	RULE_NONE,	/* no unwind information for this address */
	RULE_PLAIN,	/* CFA = register + offset; registers at offsets from it */
	RULE_FULL,	/* expressions: see struct full_rule */
	RULE_SIGRETURN, /* the kernel's signal frame: registers are in the ucontext at sp */
	RULE_END,	/* the outermost frame: its return address is undefined */
	RULE_ENTRY,	/* none, but a program starts here: see entry.h */
	RULE_CONTEXT,	/* the same, but not called: makecontext put its address there */
	RULE_LIKELY,	/* as RULE_PLAIN, but read off the code: see way_out.h */
	RULE_CREATOR,	/* the same, and beyond doubt if there is a return address */
	RULE_SWITCHED,	/* the caller's frame is on another stack; Go may have saved where */
};

/* The callee-saved registers of the x86-64 ABI, which frames save. */
enum saved { SAVED_RBX, SAVED_RBP, SAVED_R12, SAVED_R13, SAVED_R14, SAVED_R15, SAVED_COUNT };

#define SAVED_SAME	INT32_MIN
#define SAVED_UNDEFINED (INT32_MIN + 1)

struct rule {
	uint8_t kind;
	uint8_t cfa_register;
	uint8_t is_signal; /* what is found is exact, not a return address */
	uint8_t restored;  /* bits 1 << enum saved: those whose saved[] is an offset */
	int32_t cfa_offset;
	int32_t ra_offset;	    /* from the CFA */
	int32_t saved[SAVED_COUNT]; /* offset from the CFA, SAVED_SAME or SAVED_UNDEFINED */
	uint32_t same;		    /* bits 1 << number: registers that are as in the caller */
	uint32_t full;		    /* RULE_FULL: number of its struct full_rule */
	uint16_t place;		    /* enum go_place */
	uint16_t curg;		    /* where Go changes stacks: see go_stacks_curg */
};

struct rules;

struct rules_figures {
	uint64_t lookups, compiled;
	uint32_t distinct, full; /* kept; full ones among them */
};

extern const uint8_t rules_saved_register[SAVED_COUNT]; /* DWARF numbers of enum saved */

struct rules *rules_new(void); /* NULL: no memory */
void rules_free(struct rules *rules);

/* The rule at a file offset of a module; NULL: not asked for yet. is_return: offset is a return
 * address
 * - 1. Borrowed until the next rules_compile. */
const struct rule *rules_cached(
	struct rules *rules, uint32_t module, uint64_t offset, int is_return);

/* For what rules_cached did not have: reads the module's file. Never NULL. */
const struct rule *rules_compile(
	struct rules *rules, struct module *m, uint64_t offset, int is_return);

const struct full_rule *rules_full(const struct rules *rules, const struct rule *rule);

void rules_figures(const struct rules *rules, struct rules_figures *out);

#endif
