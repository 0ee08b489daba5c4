/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind rules of all addresses that were met: compiled when the first address of a row of the
 * unwind information is met, kept for good; "there is no rule" is kept too.
 *
 * Equal rules are stored once: a program of any size has some hundred. The cache holds 16 bytes per
 * address and 12 per row.
 */
#ifndef UNWIND_RULES_H
#define UNWIND_RULES_H

#include "symbolize/module.h"
#include "unwind/full_rules.h"
#include "unwind/rule.h"

struct places;
struct rules;

struct rules_figures {
	uint64_t compiled;	 /* how often a file was looked into */
	uint32_t distinct, full; /* kept; full ones among them */
};

struct rules *rules_new(void); /* NULL: no memory */
void rules_free(struct rules *rules);

/* The rule at a file offset of a module; NULL: neither it nor its row was asked for yet. is_return:
 * offset is a return address - 1. Borrowed until the next rules_compile. */
const struct rule *rules_cached(
	struct rules *rules, uint32_t module, uint64_t offset, int is_return);

/* For what rules_cached did not have: reads the module's file. Never NULL. */
const struct rule *rules_compile(
	struct rules *rules, struct module *m, uint64_t offset, int is_return);

const struct full_rule *rules_full(const struct rules *rules, const struct rule *rule);

/* What quick_walk goes by. */
const struct places *rules_places(const struct rules *rules);

/* For tests. */
void rules_figures(const struct rules *rules, struct rules_figures *out);

#endif
