/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "symbolize/go_stacks.h"
#include "unwind/entry.h"
#include "unwind/rule_compiler.h"
#include "unwind/stubs.h"
#include "unwind/way_out.h"

/* What is known of a register that is not at an offset from the CFA. */
#define SAVED_SAME	INT32_MIN
#define SAVED_UNDEFINED (INT32_MIN + 1)

/* Plain rules hold offsets of these sizes; larger frames take the full form. */
#define CFA_MAX	  (1 << 30)
#define SAVED_MAX 32000

_Static_assert(WAY_OUT_SAME == SAVED_SAME && WAY_OUT_UNKNOWN == SAVED_UNDEFINED, "as they are");

static const struct rule no_rule = {.kind = RULE_NONE};

static int is_offset(int32_t saved)
{
	return saved > SAVED_UNDEFINED;
}

static int cfa_fits(int64_t offset)
{
	return offset > -CFA_MAX && offset < CFA_MAX;
}

static int saved_fits(int64_t offset)
{
	return offset >= -SAVED_MAX && offset <= SAVED_MAX;
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
	if (reg >= REGS_COUNT || !cfa_fits(offset))
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
	if (n != 2 || ops[1].atom != DW_OP_plus_uconst || !saved_fits(ops[1].number))
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

/* Where the return address and the registers are. */
static void settle(struct rule *rule, int ra, const int32_t *saved)
{
	int lowest = ra, highest = ra;

	rule->ra_offset = ra;
	for (int i = 0; i < SAVED_COUNT; i++) {
		uint16_t bit = 1u << rule_saved_register[i];
		rule->saved[i] = ra;
		if (saved[i] == SAVED_SAME)
			rule->same |= bit;
		if (!is_offset(saved[i]))
			continue;
		rule->saved[i] = saved[i];
		rule->restored |= bit;
		lowest = saved[i] < lowest ? saved[i] : lowest;
		highest = saved[i] > highest ? saved[i] : highest;
	}
	rule->lowest = lowest;
	rule->highest = highest;
}

/* 1 if all of the frame's rules have the plain form. */
static int compile_plain(Dwarf_Frame *frame, struct rule *rule)
{
	int32_t saved[SAVED_COUNT], ra;
	Dwarf_Op own[3], *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || !plain_cfa(ops, n, rule) || !sp_is_cfa(frame))
		return 0;
	for (int i = 0; i < SAVED_COUNT; i++)
		if (dwarf_frame_register(frame, rule_saved_register[i], own, &ops, &n) != 0 ||
			!plain_register(ops, n, own, &saved[i]))
			return 0;
	/* See full_rules.h. */
	if (saved[SAVED_RBX] == SAVED_UNDEFINED)
		saved[SAVED_RBX] = SAVED_SAME;
	if (dwarf_frame_register(frame, DWREG_PC, own, &ops, &n) != 0 ||
		!plain_register(ops, n, own, &ra) || ra == SAVED_SAME)
		return 0;
	rule->kind = is_offset(ra) ? RULE_PLAIN : RULE_END;
	if (rule->kind == RULE_PLAIN)
		settle(rule, ra, saved);
	return 1;
}

static void compile_frame(struct full_rules *rules, Dwarf_Frame *frame, struct rule *rule)
{
	bool is_signal = false;

	dwarf_frame_info(frame, NULL, NULL, &is_signal);
	if (compile_plain(frame, rule)) {
		rule->is_signal = is_signal;
		return;
	}
	*rule = no_rule;
	long number = full_rules_number(rules, frame);
	if (number < 0)
		return;
	const struct ops *ra = &rules->v[number].r[DWREG_PC];
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
	uint8_t cfa_register, struct rule *rule, struct go_range *where)
{
	int32_t depth = gopclntab_depth(t, f, vaddr, where), saved[SAVED_COUNT];

	if (depth < 0 || !cfa_fits(depth))
		return;
	rule->kind = RULE_PLAIN;
	rule->cfa_register = cfa_register;
	rule->cfa_offset = depth + 8;
	for (int i = 0; i < SAVED_COUNT; i++)
		saved[i] = SAVED_UNDEFINED;
	if (!depth)
		saved[SAVED_RBP] = SAVED_SAME;
	settle(rule, -8, saved);
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
		compile_go(t, f, kept, DWREG_R12, rule, NULL);
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
	int32_t saved[SAVED_COUNT];
	struct stub stub;

	if (stubs_find(m, vaddr, &stub) < 0)
		return -1;
	rule->kind = RULE_PLAIN;
	rule->cfa_register = stub.base;
	rule->cfa_offset = stub.offset;
	for (int i = 0; i < SAVED_COUNT; i++)
		saved[i] = SAVED_SAME;
	if (stub.saves_rbp)
		saved[SAVED_RBP] = -16;
	settle(rule, -8, saved);
	return 0;
}

/* next: the offset of the instruction that comes next. */
static void compile_likely(const struct module *m, uint64_t next, struct rule *rule)
{
	int32_t saved[SAVED_COUNT];
	struct way_out way;

	if (way_out_find(m, next, &way) < 0)
		return;
	rule->kind = RULE_LIKELY;
	rule->cfa_register = way.base;
	rule->cfa_offset = way.cfa;
	for (int i = 0; i < SAVED_COUNT; i++) {
		saved[i] = way.saved[rule_saved_register[i]];
		if (is_offset(saved[i]) && !saved_fits(saved[i]))
			saved[i] = SAVED_UNDEFINED;
	}
	settle(rule, -8, saved);
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

/* Whether nothing but the row decides on the rule: Go's functions have rows of their own. */
static int is_shared(const struct module *m, const struct go_function *go, const struct rule *rule)
{
	if (rule->is_signal ||
		(rule->kind != RULE_PLAIN && rule->kind != RULE_FULL && rule->kind != RULE_END))
		return 0;
	return go ? !go->flags && rule->place == GO_ELSEWHERE : !module_gopclntab(m);
}

/* Whether the code lies among the bytes. Its byte number `rare` is one that code seldom has. */
static int has_code(
	const unsigned char *p, size_t size, const unsigned char *code, size_t n, size_t rare)
{
	const unsigned char *end = p + size, *at = p + rare;

	while ((at = memchr(at, code[rare], end - at)) && (size_t)(end - at) >= n - rare) {
		if (!memcmp(at - rare, code, n))
			return 1;
		at++;
	}
	return 0;
}

/* Whether code that is known by its bytes begins in [start, end]. */
static int holds_known(const struct module *m, uint64_t start, uint64_t end)
{
	uint64_t size = end - start + sizeof(context);
	const unsigned char *p = module_bytes(m, start, size);

	return !p || has_code(p, size, sigreturn, sizeof(sigreturn), 8) ||
	       has_code(p, size, context, sizeof(context), 4);
}

/* Whether the row at vaddr ends there. */
static int ends_at(Dwarf_CFI *cfi, uint64_t vaddr, uint64_t end)
{
	Dwarf_Frame *frame;
	Dwarf_Addr found = 0;

	if (dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		return 0;
	dwarf_frame_info(frame, NULL, &found, NULL);
	free(frame);
	return found == end;
}

/* A row of [start, end), as far as it lies in one page of one segment with offset, that of vaddr.
 */
static void take_row(const struct module *m, uint64_t offset, uint64_t vaddr, uint64_t start,
	uint64_t end, struct row *row)
{
	uint64_t in_page = offset % ROW_PAGE, left = ROW_PAGE - in_page, first, last;

	if (start > vaddr || end <= vaddr)
		return;
	uint64_t before = vaddr - start < in_page ? vaddr - start : in_page;
	uint64_t after = (end - vaddr < left ? end - vaddr : left) - 1;
	if (module_offset_to_vaddr(m, offset - before, &first) < 0 || first != vaddr - before ||
		module_offset_to_vaddr(m, offset + after, &last) < 0 || last != vaddr + after ||
		holds_known(m, offset - before, offset + after + 1))
		return;
	*row = (struct row){offset - before, offset + after};
}

/* The frame's row. Where it begins is not known behind a DW_CFA_restore_state: libdw (0.188) then
 * tells where the remembered one began. */
static void find_row(const struct module *m, Dwarf_CFI *cfi, Dwarf_Frame *frame, uint64_t offset,
	uint64_t vaddr, struct row *row)
{
	uint64_t page = vaddr - offset % ROW_PAGE;
	Dwarf_Addr start, end;

	dwarf_frame_info(frame, &start, &end, NULL);
	if (start < page)
		start = page;
	if (start < vaddr && !ends_at(cfi, start, end))
		start = vaddr;
	take_row(m, offset, vaddr, start, end, row);
}

void rule_compile(struct full_rules *full, struct module *m, uint64_t offset, int is_return,
	struct rule *rule, struct row *row)
{
	Dwarf_Frame *frame = NULL;
	uint64_t vaddr;

	*rule = no_rule;
	*row = (struct row){offset, offset};
	if (compile_known(m, offset + !!is_return, is_return, rule))
		return;
	if (module_offset_to_vaddr(m, offset, &vaddr) < 0)
		return;
	const struct gopclntab *go = module_gopclntab(m);
	struct go_function function;
	struct go_range where = {0, 0};
	if (go && gopclntab_find(go, vaddr, &function) < 0)
		go = NULL;
	if (go && compile_go_ends(m, go, &function, is_return, rule))
		return;
	Dwarf_CFI *eh = module_eh_frame(m), *cfi = eh;
	if (cfi && dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		frame = NULL;
	if (!frame && (cfi = module_debug_frame(m)) && dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
		frame = NULL;
	if (frame)
		compile_frame(full, frame, rule);
	else if (go && !(function.flags & GO_MOVES_SP))
		compile_go(go, &function, vaddr, DWREG_RSP, rule, &where);
	else if (!go)
		compile_bare(m, vaddr, offset + !!is_return, rule);
	if (go && !(function.flags & GO_MOVES_SP))
		rule->place = go_stacks_place(&function);
	if (!is_shared(m, go ? &function : NULL, rule))
		;
	else if (!frame)
		take_row(m, offset, vaddr, where.start, where.end, row);
	else if (cfi == eh || !eh)
		find_row(m, cfi, frame, offset, vaddr, row);
	free(frame);
}
