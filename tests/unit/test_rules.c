/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind rules of assembler code whose unwind information is written here. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "symbolize/modules.h"
#include "unwind/rules.h"

#define MODULE 1u
#define NOPS   200u

extern const char __ehdr_start[];
extern const char rules_plain[], rules_same[], asm_full[], rules_other[], rules_none[];
extern const char rules_bare[], rules_bare_body[], rules_framed[], rules_framed_body[],
	rules_framed_end[], rules_creator[], rules_child[];
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
	"ret\n"
	/* Behind a clone, as glibc has it. */
	"syscall\n"
	"rules_creator: test %rax, %rax\n"
	"jl 1f\n"
	"je rules_child\n"
	"ret\n"
	"rules_child: xor %ebp, %ebp\n"
	"1: ret\n");

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
	for (int i = 0; i < SAVED_COUNT; i++)
		assert_int_equal(rule->saved[i], SAVED_SAME);
	rule = rule_at(rules_plain + 1);
	assert_int_equal(rule->cfa_offset, 16);
	assert_int_equal(rule->saved[SAVED_R12], -16);
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
	assert_int_equal(rule->saved[SAVED_R13], SAVED_SAME);
	rule = rule_at(rules_framed);
	assert_int_equal(rule->kind, RULE_NONE); /* no path that knows sp */
	rule = rule_at(rules_framed_end);
	assert_int_equal(rule->kind, RULE_LIKELY);
	assert_int_equal(rule->cfa_register, DWREG_RBP);
	assert_int_equal(rule->cfa_offset, 16);
	assert_int_equal(rule->saved[SAVED_RBP], -16);
}

static void creator_returns_at_once(void **state)
{
	const struct rule *rule = rule_at(rules_creator);

	(void)state;
	assert_int_equal(rule->kind, RULE_CREATOR);
	assert_int_equal(rule->cfa_register, DWREG_RSP);
	assert_int_equal(rule->cfa_offset, 8);
	for (int i = 0; i < SAVED_COUNT; i++)
		assert_int_equal(rule->saved[i], SAVED_SAME);
	assert_int_equal(rule_at(rules_child)->kind, RULE_LIKELY);
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
	assert_int_equal(after.compiled - before.compiled, NOPS - 1);
	assert_int_equal(after.full, before.full);
	assert_int_equal(after.distinct, before.distinct);
	assert_int_equal(rule_at(rules_other)->kind, RULE_FULL);
	rules_figures(rules, &after);
	assert_int_equal(after.full, before.full + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_rules),
		cmocka_unit_test(way_out_is_read_off_the_code),
		cmocka_unit_test(creator_returns_at_once),
		cmocka_unit_test(caller_at_the_same_address_is_no_rule),
		cmocka_unit_test(equal_rules_are_kept_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
