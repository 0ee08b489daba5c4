/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames without unwind information: assembler code of this program, which has none, and stacks
 * made up for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <cmocka.h>

#include "unwind/frame_pointer.h"
#include "unwind/unwind.h"

#define MODULE 1u
#define BASE   0x7ffe00000000ull /* of the made up stack */

extern const char __ehdr_start[], etext[];
extern const char guess_code[], guess_caller[], guess_return[];
__asm__(".text\n"
	".balign 64\n"
	"guess_code:\n"
	".skip 4032, 0x90\n"
	"guess_caller: call guess_code\n"
	"guess_return: nop\n"
	".skip 64, 0x90\n");

#define ADDRESS(label) ((uint64_t)(label))

static struct modules modules;
static struct mapping mapping;
static struct maps maps = {1, 1, &mapping};
static uint32_t marks[64];
static unsigned n_marks;

static void mark(void *arg, uint32_t module)
{
	(void)arg;
	if (n_marks < 64)
		marks[n_marks++] = module;
}

static struct code code = {&modules, &maps, mark, NULL};

/* All of this program's file as one mapping that begins with the page of its code. */
static int set_up(void **state)
{
	uint64_t vaddr = ADDRESS(guess_code) - ADDRESS(__ehdr_start), offset;

	(void)state;
	modules_init(&modules);
	if (modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0) ||
		module_vaddr_to_offset(modules_get(&modules, MODULE), vaddr, &offset))
		return -1;
	mapping = (struct mapping){ADDRESS(guess_code), ADDRESS(etext), offset, MODULE, 0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	modules_fini(&modules);
	return 0;
}

/* --- call sites ----------------------------------------------------------------------------- */

static void files_are_marked_while_they_are_read(void **state)
{
	uint64_t target;

	(void)state;
	n_marks = 0;
	assert_int_equal(call_site_before(&code, ADDRESS(guess_return), &target), CALL_DIRECT);
	assert_int_equal(target, ADDRESS(guess_code));
	assert_int_equal(n_marks, 2);
	assert_int_equal(marks[0], MODULE);
	assert_int_equal(marks[1], 0);
	assert_int_equal(call_site_before(&code, ADDRESS(guess_return) + 1, &target), CALL_NONE);
	assert_int_equal(call_site_before(&code, 8, &target), CALL_NONE);
	assert_int_equal(marks[n_marks - 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_marked_while_they_are_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
