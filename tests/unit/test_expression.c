/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwind/expression: the operations of unwind rules, and what is wrong with some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dwarf.h>
#include <cmocka.h>

#include "unwind/expression.h"

#define OP1(atom)                                                                                  \
	{                                                                                          \
		atom, 0, 0, 0                                                                      \
	}
#define OP2(atom, number)                                                                          \
	{                                                                                          \
		atom, number, 0, 0                                                                 \
	}

struct expression_row {
	Dwarf_Op ops[8];
	size_t n;
	enum expression_result result;
	uint64_t value;
};

static void expressions(void **state)
{
	const struct expression_row rows[] = {
		{{OP2(DW_OP_breg7, 8)}, 1, EXPRESSION_ADDRESS, 0x1008},
		{{OP2(DW_OP_breg7, 8), OP1(DW_OP_stack_value)}, 2, EXPRESSION_VALUE, 0x1008},
		{{OP2(DW_OP_breg7, 0), OP1(DW_OP_deref)}, 2, EXPRESSION_ADDRESS, 0x55},
		{{OP2(DW_OP_breg7, 8), OP1(DW_OP_deref)}, 2, EXPRESSION_UNREADABLE, 0},
		{{OP2(DW_OP_breg3, 0)}, 1, EXPRESSION_NO_REGISTER, 0},
		{{OP1(DW_OP_call_frame_cfa), OP2(DW_OP_plus_uconst, -16)}, 2, EXPRESSION_ADDRESS,
			0x1ff0},
		/* The PLT's: rsp + 8 + ((rip & 15) >= 11) << 3, with rip = 0x40b and 0x40a. */
		{{OP1(DW_OP_lit11), OP1(DW_OP_lit15), OP2(DW_OP_breg16, 0), OP1(DW_OP_and),
			 OP1(DW_OP_swap), OP1(DW_OP_ge), OP1(DW_OP_lit3), OP1(DW_OP_shl)},
			8, EXPRESSION_ADDRESS, 8},
		{{OP1(DW_OP_lit5), OP1(DW_OP_lit7), OP1(DW_OP_minus)}, 3, EXPRESSION_ADDRESS,
			-2ull},
		{{OP1(DW_OP_lit1), OP1(DW_OP_dup), OP1(DW_OP_lit3), OP2(DW_OP_pick, 2)}, 4,
			EXPRESSION_ADDRESS, 1},
		{{OP1(DW_OP_plus)}, 1, EXPRESSION_BAD, 0},
		{{OP1(DW_OP_GNU_entry_value)}, 1, EXPRESSION_BAD, 0},
		/* Jumps to itself: must end. */
		{{OP2(DW_OP_skip, -3)}, 1, EXPRESSION_BAD, 0},
		{{OP1(DW_OP_nop)}, 0, EXPRESSION_BAD, 0},
	};
	uint64_t word = 0x55, cfa = 0x2000, out;
	struct copy copy = {.stack = {0x1000, 8, (const unsigned char *)&word, 0}};
	struct regs regs = {.known = 1u << DWREG_RSP | 1u << DWREG_PC};

	(void)state;
	regs.r[DWREG_RSP] = 0x1000;
	regs.r[DWREG_PC] = 0x40b;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum expression_result got =
			expression_run(rows[i].ops, rows[i].n, &regs, &cfa, &copy, &out);
		if (got != rows[i].result)
			print_error("row %zu\n", i);
		assert_int_equal(got, rows[i].result);
		if (got <= EXPRESSION_ADDRESS)
			assert_int_equal(out, rows[i].value);
	}
	/* What was missing is known. */
	assert_int_equal(
		expression_run(rows[3].ops, 2, &regs, &cfa, &copy, &out), EXPRESSION_UNREADABLE);
	assert_int_equal(copy.wanted, 0x1008);
	regs.r[DWREG_PC] = 0x40a;
	assert_int_equal(
		expression_run(rows[6].ops, 8, &regs, &cfa, &copy, &out), EXPRESSION_ADDRESS);
	assert_int_equal(out, 0);
}

static void expression_depth_is_bounded(void **state)
{
	Dwarf_Op ops[EXPRESSION_DEPTH + 1];
	struct regs regs = {.known = 0};
	struct copy copy = {0};
	uint64_t out;

	(void)state;
	for (unsigned i = 0; i <= EXPRESSION_DEPTH; i++)
		ops[i] = (Dwarf_Op)OP1(DW_OP_lit1);
	assert_int_equal(expression_run(ops, EXPRESSION_DEPTH, &regs, NULL, &copy, &out),
		EXPRESSION_ADDRESS);
	assert_int_equal(expression_run(ops, EXPRESSION_DEPTH + 1, &regs, NULL, &copy, &out),
		EXPRESSION_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions),
		cmocka_unit_test(expression_depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
