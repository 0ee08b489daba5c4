/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug information that no compiler at hand writes, written by hand: a compile unit of its own
 * with functions in a section without lines. Its table of files is this file's.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "symbolize/symbolize.h"

#define MODULE 1u

extern const char __ehdr_start[];
extern const char made_function[], made_method[];
__asm__(".pushsection .text.made, \"ax\", @progbits\n"
	".type made_function, @function\n"
	"made_function: .skip 16, 0x90\n"
	".size made_function, 16\n"
	".type made_method, @function\n"
	"made_method: .skip 16, 0x90\n"
	".size made_method, 16\n"
	".popsection\n"
	/* Code, has children, then pairs of attribute and form. */
	".pushsection .debug_abbrev, \"\", @progbits\n"
	".Lmade_abbrev:\n"
	/* compile unit: low_pc addr, high_pc data8, stmt_list sec_offset */
	".byte 1, 0x11, 1, 0x11, 0x01, 0x12, 0x07, 0x10, 0x17, 0, 0\n"
	/* enumeration type: name string */
	".byte 2, 0x04, 1, 0x03, 0x08, 0, 0\n"
	/* subprogram: name string, low_pc addr, high_pc data8 */
	".byte 3, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0\n"
	/* inlined subroutine: low_pc addr, high_pc data8, call_line data1 */
	".byte 4, 0x1d, 0, 0x11, 0x01, 0x12, 0x07, 0x59, 0x0b, 0, 0\n"
	/* the same with a name */
	".byte 5, 0x1d, 0, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0x59, 0x0b, 0, 0\n"
	".byte 0\n"
	".popsection\n"
	".pushsection .debug_info, \"\", @progbits\n"
	".long .Lmade_end - .Lmade_begin\n"
	".Lmade_begin: .short 4\n"
	".long .Lmade_abbrev\n"
	".byte 8\n"
	".byte 1\n"
	".quad made_function, 32\n"
	".long 0\n" /* the first table of lines, whose ever it is */
	/* What the linker threw away seems to begin at 0, and to reach far. */
	".byte 3\n .asciz \"thrown_away\"\n .quad 0, 0x40000000\n"
	".byte 5\n .asciz \"thrown_away_inlined\"\n .quad 0, 0x40000000\n .byte 5\n .byte 0\n"
	/* A function whose inlined function has no name. */
	".byte 3\n .asciz \"made_function\"\n .quad made_function, 16\n"
	".byte 4\n .quad made_function, 16\n .byte 7\n .byte 0\n"
	/* A method of an enumeration; its inlined function does not say in which file it was
	 * called. */
	".byte 2\n .asciz \"Enum\"\n"
	".byte 3\n .asciz \"made_method\"\n .quad made_method, 16\n"
	".byte 5\n .asciz \"made_inner\"\n .quad made_method, 16\n .byte 9\n .byte 0\n"
	".byte 0\n"
	".byte 0\n"
	".Lmade_end:\n"
	".popsection\n");

static struct modules modules;
static struct symbolizer symbolizer;

static int set_up(void **state)
{
	(void)state;
	modules_init(&modules);
	symbolizer_init(&symbolizer, &modules, NULL, NULL);
	return modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0);
}

static int tear_down(void **state)
{
	(void)state;
	symbolizer_fini(&symbolizer);
	modules_fini(&modules);
	return 0;
}

struct answer {
	uint32_t n, line[4];
	char name[4][40], file[4][200];
};

static int take_answer(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	struct answer *a = arg;

	(void)offset;
	assert_true(n <= 4);
	a->n = n;
	for (uint32_t i = 0; i < n; i++) {
		a->line[i] = lines[i].line;
		snprintf(a->name[i], sizeof(a->name[i]), "%s", lines[i].name);
		snprintf(a->file[i], sizeof(a->file[i]), "%s", lines[i].file);
	}
	return 0;
}

static struct answer ask(const char *code)
{
	struct worker_symbolize head = {MODULE, 1, SYMBOLS_FULL, DEMANGLE_TEMPLATES, 0, 0};
	uint64_t offset, vaddr = (uint64_t)code - (uint64_t)__ehdr_start;
	struct answer a;

	assert_int_equal(module_vaddr_to_offset(modules_get(&modules, MODULE), vaddr, &offset), 0);
	assert_int_equal(symbolizer_request(&symbolizer, &head, &offset, take_answer, &a), 0);
	return a;
}

static void nameless_functions_are_left_out(void **state)
{
	struct answer a = ask(made_function);

	(void)state;
	assert_int_equal(a.n, 1);
	assert_string_equal(a.name[0], "made_function");
	assert_int_equal(a.line[0], 0);
}

static void enumerations_have_methods(void **state)
{
	struct answer a = ask(made_method + 5);

	(void)state;
	assert_int_equal(a.n, 2);
	assert_string_equal(a.name[0], "made_inner");
	assert_string_equal(a.name[1], "made_method");
	assert_int_equal(a.line[1], 9);
	/* Not the first of the table. */
	assert_string_equal(a.file[1], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nameless_functions_are_left_out),
		cmocka_unit_test(enumerations_have_methods),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
