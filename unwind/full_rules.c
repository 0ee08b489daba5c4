/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/list.h"
#include "unwind/full_rules.h"

#define RULES_MAX 65536u
#define OPS_MAX	  256u

static void fini(struct full_rule *rule)
{
	free(rule->cfa.v);
	for (int i = 0; i < REGS_COUNT; i++)
		free(rule->r[i].v);
}

void full_rules_fini(struct full_rules *full)
{
	for (uint32_t i = 0; i < full->n; i++)
		fini(&full->v[i]);
	free(full->v);
	index_fini(&full->by_ops);
	memset(full, 0, sizeof(*full));
}

/* Field by field: what lies between them is not defined, and takes part in comparisons. */
static int copy_ops(struct ops *to, const Dwarf_Op *ops, size_t n)
{
	if (n > OPS_MAX)
		return -1;
	to->v = calloc(n ? n : 1, sizeof(*ops));
	if (!to->v)
		return -1;
	for (size_t i = 0; i < n; i++) {
		to->v[i].atom = ops[i].atom;
		to->v[i].number = ops[i].number;
		to->v[i].number2 = ops[i].number2;
		to->v[i].offset = ops[i].offset;
	}
	to->n = n;
	return 0;
}

static int compile(Dwarf_Frame *frame, struct full_rule *rule)
{
	Dwarf_Op own[3], *ops;
	size_t n;

	memset(rule, 0, sizeof(*rule));
	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n == 0 || copy_ops(&rule->cfa, ops, n) < 0)
		return -1;
	for (int i = 0; i < REGS_COUNT; i++) {
		struct ops *to = &rule->r[i];
		if (dwarf_frame_register(frame, i, own, &ops, &n) != 0)
			return -1;
		if (n == 0) {
			to->is_undefined = ops == own && i != DWREG_RBX;
			to->is_same = !to->is_undefined;
		} else if (copy_ops(to, ops, n) < 0) {
			return -1;
		}
	}
	return 0;
}

static uint64_t hash_ops(uint64_t hash, const struct ops *ops)
{
	hash = hash_pair(hash, (uint64_t)ops->n << 2 | ops->is_same << 1 | ops->is_undefined);
	return ops->n ? hash_pair(hash, hash_bytes(ops->v, ops->n * sizeof(*ops->v))) : hash;
}

static uint64_t hash_rule(const struct full_rule *rule)
{
	uint64_t hash = hash_ops(0, &rule->cfa);

	for (int i = 0; i < REGS_COUNT; i++)
		hash = hash_ops(hash, &rule->r[i]);
	return hash;
}

static int are_equal(const struct ops *a, const struct ops *b)
{
	return a->n == b->n && a->is_same == b->is_same && a->is_undefined == b->is_undefined &&
	       (!a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

struct wanted {
	const struct full_rules *full;
	const struct full_rule *rule;
};

static int is_equal(const void *arg, uint32_t number)
{
	const struct wanted *w = arg;
	const struct full_rule *other = &w->full->v[number];
	int equal = are_equal(&w->rule->cfa, &other->cfa);

	for (int i = 0; i < REGS_COUNT && equal; i++)
		equal = are_equal(&w->rule->r[i], &other->r[i]);
	return equal;
}

/* Takes the rule's ops. */
static long number_of(struct full_rules *full, struct full_rule *rule)
{
	uint64_t hash = hash_rule(rule);
	long found = index_find(&full->by_ops, hash, is_equal, &(struct wanted){full, rule});

	if (found < 0 &&
		list_room(&full->v, full->n, 1, &full->room, sizeof(*rule), RULES_MAX) == 0 &&
		index_add(&full->by_ops, hash, full->n) == 0) {
		full->v[full->n] = *rule;
		return full->n++;
	}
	fini(rule);
	return found;
}

long full_rules_number(struct full_rules *full, Dwarf_Frame *frame)
{
	struct full_rule rule;

	if (compile(frame, &rule) < 0) {
		fini(&rule);
		return -1;
	}
	return number_of(full, &rule);
}
