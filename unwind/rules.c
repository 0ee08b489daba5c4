/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/index.h"
#include "base/list.h"
#include "unwind/entry.h"
#include "unwind/rules.h"
#include "unwind/stubs.h"
#include "unwind/way_out.h"

#define PLACES_MAX (16u * 1024 * 1024)
#define RULES_MAX  (1024u * 1024) /* distinct ones */

/* Plain rules hold offsets of this size; larger frames take the full form. */
#define OFFSET_MAX (1 << 30)

const uint8_t rules_saved_register[SAVED_COUNT] = {
	DWREG_RBX, DWREG_RBP, DWREG_R12, DWREG_R13, DWREG_R14, DWREG_R15};

struct place {
	uint64_t key; /* see place_key; 0: empty */
	uint32_t rule;
	uint32_t unused;
};

struct rules {
	struct place *places; /* open addressing, a power of two, at most half full */
	uint32_t n_places, room;
	struct rule *v;
	uint32_t n, v_room;
	struct index by_value; /* of v */
	struct full_rules full;
	struct rules_figures figures;
};

_Static_assert(WAY_OUT_SAME == SAVED_SAME && WAY_OUT_UNKNOWN == SAVED_UNDEFINED, "as they are");

static const struct rule no_rule = {.kind = RULE_NONE};

struct rules *rules_new(void)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return NULL;
	rules->room = 4096;
	rules->places = calloc(rules->room, sizeof(*rules->places));
	if (!rules->places) {
		free(rules);
		return NULL;
	}
	return rules;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	full_rules_fini(&rules->full);
	index_fini(&rules->by_value);
	free(rules->v);
	free(rules->places);
	free(rules);
}

/* --- compiling ---------------------------------------------------------------------------- */

static int offset_fits(int64_t offset)
{
	return offset > -OFFSET_MAX && offset < OFFSET_MAX;
}

/* CFA = register + offset, the form of nearly all rules. */
static int plain_cfa(const Dwarf_Op *ops, size_t n, struct rule *rule)
{
	uint64_t reg, offset;

	if (n != 1)
		return 0;
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		reg = ops[0].atom - DW_OP_breg0;
		offset = ops[0].number;
	} else if (ops[0].atom == DW_OP_bregx) {
		reg = ops[0].number;
		offset = ops[0].number2;
	} else {
		return 0;
	}
	if (reg >= REGS_COUNT || !offset_fits(offset))
		return 0;
	rule->cfa_register = reg;
	rule->cfa_offset = offset;
	return 1;
}

/* Stored at CFA + offset, same value, or undefined. */
static int plain_register(const Dwarf_Op *ops, size_t n, const Dwarf_Op *own, int32_t *out)
{
	if (n == 0) {
		*out = ops == own ? SAVED_UNDEFINED : SAVED_SAME;
		return 1;
	}
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return 0;
	if (n == 1) {
		*out = 0;
		return 1;
	}
	if (n != 2 || ops[1].atom != DW_OP_plus_uconst || !offset_fits(ops[1].number))
		return 0;
	*out = ops[1].number;
	return 1;
}

/* Whether sp is the CFA, as the ABI has it. */
static int sp_is_cfa(Dwarf_Frame *frame)
{
	Dwarf_Op own[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, DWREG_RSP, own, &ops, &n) != 0)
		return 0;
	if (n == 0)
		return 1; /* not said: the ABI's */
	return n == 2 && ops[0].atom == DW_OP_call_frame_cfa && ops[1].atom == DW_OP_stack_value;
}

/* What saved[] says, in the bits that a step goes by. */
static void settle_saved(struct rule *rule)
{
	for (int i = 0; i < SAVED_COUNT; i++) {
		if (rule->saved[i] == SAVED_SAME)
			rule->same |= 1u << rules_saved_register[i];
		else if (rule->saved[i] != SAVED_UNDEFINED)
			rule->restored |= 1u << i;
	}
}

/* 1 if all of the frame's rules have the plain form. */
static int compile_plain(Dwarf_Frame *frame, struct rule *rule)
{
	Dwarf_Op own[3], *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || !plain_cfa(ops, n, rule) || !sp_is_cfa(frame))
		return 0;
	for (int i = 0; i < SAVED_COUNT; i++)
		if (dwarf_frame_register(frame, rules_saved_register[i], own, &ops, &n) != 0 ||
			!plain_register(ops, n, own, &rule->saved[i]))
			return 0;
	/* See full_rules.h. */
	if (rule->saved[SAVED_RBX] == SAVED_UNDEFINED)
		rule->saved[SAVED_RBX] = SAVED_SAME;
	if (dwarf_frame_register(frame, DWREG_PC, own, &ops, &n) != 0 ||
		!plain_register(ops, n, own, &rule->ra_offset) || rule->ra_offset == SAVED_SAME)
		return 0;
	settle_saved(rule);
	rule->kind = rule->ra_offset == SAVED_UNDEFINED ? RULE_END : RULE_PLAIN;
	return 1;
}

static void compile_frame(struct rules *rules, Dwarf_Frame *frame, struct rule *rule)
{
	bool is_signal = false;

	dwarf_frame_info(frame, NULL, NULL, &is_signal);
	if (compile_plain(frame, rule)) {
		rule->is_signal = is_signal;
		return;
	}
	*rule = no_rule;
	long number = full_rules_number(&rules->full, frame);
	if (number < 0)
		return;
	const struct ops *ra = &rules->full.v[number].r[DWREG_PC];
	/* A caller at the same address would be this frame again. */
	if (ra->is_same)
		return;
	rule->kind = ra->is_undefined ? RULE_END : RULE_FULL;
	rule->is_signal = is_signal;
	rule->full = number;
}

/* mov $15,%rax; syscall: rt_sigreturn. musl and Go do not mark it, and glibc's own unwind rules for
 * it only say the same in seventeen expressions. */
static const unsigned char sigreturn[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

/* mov %rbx,%rsp; mov (%rsp),%rdi; test %rdi,%rdi: __start_context of glibc, to which the function
 * given to makecontext returns. */
static const unsigned char context[] = {0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24, 0x48, 0x85, 0xff};

static int is_code(const struct module *m, uint64_t offset, const unsigned char *code, size_t n)
{
	const unsigned char *p = module_bytes(m, offset, n);

	return p && !memcmp(p, code, n);
}

/* What is known by its bytes. */
static int compile_known(const struct module *m, uint64_t offset, int is_return, struct rule *rule)
{
	if (is_code(m, offset, sigreturn, sizeof(sigreturn))) {
		rule->kind = RULE_SIGRETURN;
		rule->is_signal = 1;
	} else if (is_return && is_code(m, offset, context, sizeof(context))) {
		rule->kind = RULE_CONTEXT;
	}
	return rule->kind != RULE_NONE;
}

/* All else is in the caller's hands in Go: no register is saved but rbp, at places that the table
 * does not tell. */
static void compile_go(const struct gopclntab *t, const struct go_function *f, uint64_t vaddr,
	uint8_t cfa_register, struct rule *rule)
{
	int32_t depth = gopclntab_depth(t, f, vaddr);

	if (depth < 0 || !offset_fits(depth))
		return;
	rule->kind = RULE_PLAIN;
	rule->cfa_register = cfa_register;
	rule->cfa_offset = depth + 8;
	rule->ra_offset = -8;
	for (int i = 0; i < SAVED_COUNT; i++)
		rule->saved[i] = SAVED_UNDEFINED;
	if (!depth)
		rule->saved[SAVED_RBP] = SAVED_SAME;
	settle_saved(rule);
}

static void compile_go_switch(const struct module *m, const struct gopclntab *t,
	const struct go_function *f, struct rule *rule)
{
	uint64_t kept = 0;

	rule->kind = RULE_SWITCHED;
	rule->place = go_stacks_place(f);
	if (rule->place != GO_ELSEWHERE)
		rule->curg = go_stacks_curg(m, t);
	if (rule->place == GO_CLOCK)
		kept = go_stacks_kept_sp(m, f);
	if (kept)
		compile_go(t, f, kept, DWREG_R12, rule);
}

/* What only Go's own table tells: its CFI claims a caller for them, too. A signal handler begins
 * with a root that the kernel did call. Go's own profiles have the scheduler's work begin at mcall.
 */
static int compile_go_ends(const struct module *m, const struct gopclntab *t,
	const struct go_function *f, int is_return, struct rule *rule)
{
	enum go_place place = go_stacks_place(f);

	if (((f->flags & GO_ROOT) && place != GO_HANDLER) || (place == GO_PARKS && is_return))
		rule->kind = RULE_END;
	else if ((f->flags & GO_MOVES_SP) && is_return)
		compile_go_switch(m, t, f, rule);
	return rule->kind != RULE_NONE;
}

static int compile_stub(const struct module *m, uint64_t vaddr, struct rule *rule)
{
	struct stub stub;

	if (stubs_find(m, vaddr, &stub) < 0)
		return -1;
	rule->kind = RULE_PLAIN;
	rule->cfa_register = stub.base;
	rule->cfa_offset = stub.offset;
	rule->ra_offset = -8;
	for (int i = 0; i < SAVED_COUNT; i++)
		rule->saved[i] = SAVED_SAME;
	if (stub.saves_rbp)
		rule->saved[SAVED_RBP] = -16;
	settle_saved(rule);
	return 0;
}

/* next: the offset of the instruction that comes next. */
static void compile_likely(const struct module *m, uint64_t next, struct rule *rule)
{
	struct way_out way;

	if (way_out_find(m, next, &way) < 0)
		return;
	rule->kind = way_out_is_of_creator(m, next) ? RULE_CREATOR : RULE_LIKELY;
	rule->cfa_register = way.base;
	rule->cfa_offset = way.cfa;
	rule->ra_offset = -8;
	for (int i = 0; i < SAVED_COUNT; i++)
		rule->saved[i] = way.saved[rules_saved_register[i]];
	settle_saved(rule);
}

/* Code without any table. */
static void compile_bare(const struct module *m, uint64_t vaddr, uint64_t next, struct rule *rule)
{
	if (compile_stub(m, vaddr, rule) == 0)
		return;
	if (entry_holds(m, vaddr))
		rule->kind = RULE_ENTRY;
	else
		compile_likely(m, next, rule);
}

static void compile(
	struct rules *rules, struct module *m, uint64_t offset, int is_return, struct rule *rule)
{
	Dwarf_Frame *frame = NULL;
	uint64_t vaddr;

	*rule = no_rule;
	rules->figures.compiled++;
	if (compile_known(m, offset + !!is_return, is_return, rule))
		return;
	if (module_offset_to_vaddr(m, offset, &vaddr) < 0)
		return;
	const struct gopclntab *go = module_gopclntab(m);
	struct go_function function;
	if (go && gopclntab_find(go, vaddr, &function) < 0)
		go = NULL;
	if (go && compile_go_ends(m, go, &function, is_return, rule))
		return;
	Dwarf_CFI *cfi = module_eh_frame(m);
	if (cfi && dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		frame = NULL;
	if (!frame && (cfi = module_debug_frame(m)) && dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		frame = NULL;
	if (frame)
		compile_frame(rules, frame, rule);
	else if (go && !(function.flags & GO_MOVES_SP))
		compile_go(go, &function, vaddr, DWREG_RSP, rule);
	else if (!go)
		compile_bare(m, vaddr, offset + !!is_return, rule);
	if (go && !(function.flags & GO_MOVES_SP))
		rule->place = go_stacks_place(&function);
	free(frame);
}

/* --- the cache ---------------------------------------------------------------------------- */

/* Module ids fit 14 bits, file offsets 33: never 0 because a module's id is not. */
static uint64_t place_key(uint32_t module, uint64_t offset, int is_return)
{
	return (uint64_t)module << 49 | (uint64_t) !!is_return << 48 | (offset & 0xffffffffffffull);
}

/* The upper bits of a product depend on all of the key (Knuth's multiplicative hashing): enough for
 * addresses, and asked for at each frame. */
static struct place *place_of(struct place *places, uint32_t room, uint64_t key)
{
	uint32_t at = (uint64_t)(key * 0x9e3779b97f4a7c15ull) >> 32 & (room - 1);

	while (places[at].key && places[at].key != key)
		at = (at + 1) & (room - 1);
	return &places[at];
}

static int grow_places(struct rules *rules)
{
	uint32_t room = rules->room * 2;
	struct place *places;

	if (room > PLACES_MAX || !(places = calloc(room, sizeof(*places))))
		return -1;
	for (uint32_t i = 0; i < rules->room; i++)
		if (rules->places[i].key)
			*place_of(places, room, rules->places[i].key) = rules->places[i];
	free(rules->places);
	rules->places = places;
	rules->room = room;
	return 0;
}

struct wanted {
	const struct rules *rules;
	const struct rule *rule;
};

static int is_equal(const void *arg, uint32_t number)
{
	const struct wanted *w = arg;

	return !memcmp(&w->rules->v[number], w->rule, sizeof(*w->rule));
}

/* The number of an equal rule, or of a new one; -1 without memory. */
static long number_of(struct rules *rules, const struct rule *rule)
{
	uint64_t hash = hash_bytes(rule, sizeof(*rule));
	long found = index_find(&rules->by_value, hash, is_equal, &(struct wanted){rules, rule});

	if (found >= 0)
		return found;
	if (list_room(&rules->v, rules->n, 1, &rules->v_room, sizeof(*rule), RULES_MAX) < 0 ||
		index_add(&rules->by_value, hash, rules->n) < 0)
		return -1;
	rules->v[rules->n] = *rule;
	return rules->n++;
}

const struct rule *rules_compile(
	struct rules *rules, struct module *m, uint64_t offset, int is_return)
{
	uint64_t key = place_key(module_id(m), offset, is_return);
	struct rule rule;

	if (rules->n_places * 2 >= rules->room && grow_places(rules) < 0)
		return &no_rule;
	compile(rules, m, offset, is_return, &rule);
	long number = number_of(rules, &rule);
	if (number < 0)
		return &no_rule;
	*place_of(rules->places, rules->room, key) = (struct place){.key = key, .rule = number};
	rules->n_places++;
	return &rules->v[number];
}

const struct rule *rules_cached(
	struct rules *rules, uint32_t module, uint64_t offset, int is_return)
{
	uint64_t key = place_key(module, offset, is_return);
	const struct place *place = place_of(rules->places, rules->room, key);

	rules->figures.lookups++;
	return place->key ? &rules->v[place->rule] : NULL;
}

const struct full_rule *rules_full(const struct rules *rules, const struct rule *rule)
{
	return &rules->full.v[rule->full];
}

void rules_figures(const struct rules *rules, struct rules_figures *out)
{
	*out = rules->figures;
	out->distinct = rules->n;
	out->full = rules->full.n;
}
