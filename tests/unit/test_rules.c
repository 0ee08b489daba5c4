/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind rules of assembler code whose unwind information is written here. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "symbolize/modules.h"
#include "unwind/rule_compiler.h"
#include "unwind/rules.h"

#define MODULE 1u
#define NOPS   200u

#define BIT(number) (1u << (number))

extern const char __ehdr_start[], etext[];
extern const char rules_plain[], rules_same[], asm_full[], rules_other[], rules_none[];
extern const char rules_rows[], rules_rows_inner[], rules_rows_last[], rules_known[],
	rules_known_sigreturn[], rules_known_end[];
extern const char rules_bare[], rules_bare_body[], rules_framed[], rules_framed_body[],
	rules_framed_end[];
__asm__(".text\n"
	"rules_plain: .cfi_startproc\n"
	"nop\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %r12, 0\n"
	"nop\n"
	".cfi_endproc\n"
	/* The return address is where it was: in the pc. */
	"rules_same: .cfi_startproc\n"
	".cfi_same_value 16\n"
	"nop\n"
	".cfi_endproc\n"
	/* rbp is at rsp + 8 as an expression: DW_CFA_expression, rbp, 2, DW_OP_breg7, 8. */
	"asm_full: .cfi_startproc\n"
	".cfi_escape 0x10, 6, 2, 0x77, 8\n"
	".skip 200, 0x90\n"
	".cfi_endproc\n"
	"rules_other: .cfi_startproc\n"
	".cfi_escape 0x10, 6, 2, 0x77, 16\n"
	"nop\n"
	".cfi_endproc\n"
	/* libdw does not know where the last row begins. */
	"rules_rows: .cfi_startproc\n"
	".skip 16, 0x90\n"
	".cfi_remember_state\n"
	".cfi_def_cfa_offset 32\n"
	"rules_rows_inner: .skip 16, 0x90\n"
	".cfi_restore_state\n"
	"rules_rows_last: .skip 16, 0x90\n"
	".cfi_endproc\n"
	/* As Go has it: rt_sigreturn without a mark. */
	"rules_known: .cfi_startproc\n"
	".skip 16, 0x90\n"
	"rules_known_sigreturn: mov $15, %rax\n"
	"syscall\n"
	"rules_known_end: .skip 16, 0x90\n"
	".cfi_endproc\n"
	"rules_none: ud2\n"
	/* No unwind information, but a way out, behind a call and along a jump. */
	"rules_bare: push %rbx\n"
	"sub $0x20, %rsp\n"
	"rules_bare_body: call rules_none\n"
	"jmp 1f\n"
	"ud2\n"
	"1: mov 0x18(%rsp), %r12\n"
	"add $0x20, %rsp\n"
	"pop %rbx\n"
	"ret\n"
	/* The same with a frame pointer, and nothing known of sp. */
	"rules_framed: push %rbp\n"
	"mov %rsp, %rbp\n"
	"rules_framed_body: and $-32, %rsp\n"
	"mov -8(%rbp), %r13\n"
	"rules_framed_end: leave\n"
	"ret\n");

static struct modules modules;
static struct rules *rules;

static int set_up(void **state)
{
	(void)state;
	modules_init(&modules);
	rules = rules_new();
	return !rules ||
	       modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0);
}

static int tear_down(void **state)
{
	(void)state;
	rules_free(rules);
	modules_fini(&modules);
	return 0;
}

static const struct rule *rule_at(const char *code)
{
	struct module *m = modules_get(&modules, MODULE);
	uint64_t offset;

	assert_int_equal(
		module_vaddr_to_offset(m, (uint64_t)code - (uint64_t)__ehdr_start, &offset), 0);
	const struct rule *rule = rules_cached(rules, MODULE, offset, 0);
	return rule ? rule : rules_compile(rules, m, offset, 0);
}

static void plain_rules(void **state)
{
	const struct rule *rule = rule_at(rules_plain);

	(void)state;
	assert_int_equal(rule->kind, RULE_PLAIN);
	assert_int_equal(rule->cfa_register, DWREG_RSP);
	assert_int_equal(rule->cfa_offset, 8);
	assert_int_equal(rule->ra_offset, -8);
	assert_int_equal(rule->restored, 0);
	for (int i = 0; i < SAVED_COUNT; i++)
		assert_true(rule->same & BIT(rule_saved_register[i]));
	rule = rule_at(rules_plain + 1);
	assert_int_equal(rule->cfa_offset, 16);
	assert_int_equal(rule->restored, BIT(DWREG_R12));
	assert_int_equal(rule->saved[SAVED_R12], -16);
	assert_int_equal(rule->lowest, -16);
	assert_int_equal(rule->highest, -8);
	assert_int_equal(rule_at(rules_none)->kind, RULE_NONE);
}

static void way_out_is_read_off_the_code(void **state)
{
	const struct rule *rule = rule_at(rules_bare);

	(void)state;
	assert_int_equal(rule->kind, RULE_LIKELY);
	assert_int_equal(rule->cfa_register, DWREG_RSP);
	assert_int_equal(rule->cfa_offset, 8);
	assert_int_equal(rule->restored, 0);
	rule = rule_at(rules_bare_body);
	assert_int_equal(rule->cfa_offset, 0x20 + 16);
	assert_int_equal(rule->saved[SAVED_RBX], -16);
	assert_int_equal(rule->saved[SAVED_R12], -24);
	assert_int_equal(rule->restored, BIT(DWREG_RBX) | BIT(DWREG_R12));
	assert_true(rule->same & BIT(DWREG_R13));
	rule = rule_at(rules_framed);
	assert_int_equal(rule->kind, RULE_NONE); /* no path that knows sp */
	rule = rule_at(rules_framed_end);
	assert_int_equal(rule->kind, RULE_LIKELY);
	assert_int_equal(rule->cfa_register, DWREG_RBP);
	assert_int_equal(rule->cfa_offset, 16);
	assert_int_equal(rule->saved[SAVED_RBP], -16);
}

static void caller_at_the_same_address_is_no_rule(void **state)
{
	(void)state;
	assert_int_equal(rule_at(rules_same)->kind, RULE_NONE);
}

static void equal_rules_are_kept_once(void **state)
{
	const struct rule *rule = rule_at(asm_full);
	struct rules_figures before, after;

	(void)state;
	assert_int_equal(rule->kind, RULE_FULL);
	/* Behind the CFA, which expressions find on their stack. */
	assert_int_equal(rules_full(rules, rule)->r[DWREG_RBP].n, 2);
	assert_true(rules_full(rules, rule)->r[DWREG_RBX].is_same);
	assert_true(rules_full(rules, rule)->r[DWREG_RCX].is_undefined);
	rules_figures(rules, &before);
	for (unsigned i = 1; i < NOPS; i++)
		assert_int_equal(rule_at(asm_full + i)->kind, RULE_FULL);
	rules_figures(rules, &after);
	/* One row, in one page or two. */
	assert_in_range(after.compiled - before.compiled, 0, 1);
	assert_int_equal(after.full, before.full);
	assert_int_equal(after.distinct, before.distinct);
	assert_int_equal(rule_at(rules_other)->kind, RULE_FULL);
	rules_figures(rules, &after);
	assert_int_equal(after.full, before.full + 1);
}

static void rows_are_shared(void **state)
{
	struct rules_figures before, after;

	(void)state;
	assert_int_equal(rule_at(rules_rows_last)->cfa_offset, 8);
	assert_int_equal(rule_at(rules_rows_inner)->cfa_offset, 32);
	assert_int_equal(rule_at(rules_rows)->cfa_offset, 8);
	rules_figures(rules, &before);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(rule_at(rules_rows + i)->cfa_offset, 8);
		assert_int_equal(rule_at(rules_rows_inner + i)->cfa_offset, 32);
		assert_int_equal(rule_at(rules_rows_last + i)->cfa_offset, 8);
	}
	rules_figures(rules, &after);
	/* Unless a page ends among them. */
	assert_in_range(after.compiled - before.compiled, 0, 1);
}

/* Also if its row was met before. */
static void known_code_is_known(void **state)
{
	(void)state;
	assert_int_equal(rule_at(rules_known)->kind, RULE_PLAIN);
	assert_int_equal(rule_at(rules_known_end)->kind, RULE_PLAIN);
	assert_int_equal(rule_at(rules_known_sigreturn)->kind, RULE_SIGRETURN);
	assert_int_equal(rule_at(rules_known_sigreturn + 1)->kind, RULE_PLAIN);
}

/* All of this program's code, in an order that is neither up nor down. */
static void rows_say_what_each_address_says(void **state)
{
	struct module *m = modules_get(&modules, MODULE);
	const char *begin = rules_plain;
	size_t size = etext - begin;
	struct full_rules full = {.n = 0};
	struct rules_figures figures;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		const char *code = begin + i * 7919 % size;
		struct rule alone;
		struct row row;
		uint64_t offset;
		assert_int_equal(
			module_vaddr_to_offset(m, (uint64_t)code - (uint64_t)__ehdr_start, &offset),
			0);
		const struct rule *rule = rule_at(code);
		rule_compile(&full, m, offset, 0, &alone, &row);
		assert_in_range(offset, row.first, row.last);
		assert_int_equal(rule->kind, alone.kind);
		if (rule->kind != RULE_FULL)
			assert_memory_equal(rule, &alone, sizeof(alone));
	}
	rules_figures(rules, &figures);
	assert_true(figures.compiled < size / 2);
	full_rules_fini(&full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_rules),
		cmocka_unit_test(way_out_is_read_off_the_code),
		cmocka_unit_test(caller_at_the_same_address_is_no_rule),
		cmocka_unit_test(equal_rules_are_kept_once),
		cmocka_unit_test(rows_are_shared),
		cmocka_unit_test(known_code_is_known),
		cmocka_unit_test(rows_say_what_each_address_says),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
