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

#include "unwind/guess.h"
#include "unwind/unwind.h"

#define MODULE	1u
#define MADE	2u		  /* code without a file */
#define MADE_AT 0x10000ul	  /* where it lies */
#define BASE	0x7ffe00000000ull /* of the made up stack */

extern const char __ehdr_start[], etext[];
extern const char guess_code[], guess_caller[], guess_return[], guess_start_return[], guess_stubs[];
extern const char guess_stub_return[], guess_far[];
__asm__(".text\n"
	".balign 64\n"
	"guess_code:\n"
	".skip 4032, 0x90\n"
	"guess_caller: call guess_code\n"
	"guess_return: nop\n"
	".skip 64, 0x90\n"
	/* As musl begins a process. */
	"guess_start: xor %rbp, %rbp\n"
	"mov %rsp, %rdi\n"
	"andq $-16, %rsp\n"
	"call guess_code\n"
	"guess_start_return: hlt\n"
	".skip 64, 0x90\n"
	"call guess_stubs\n"
	"guess_stub_return: nop\n"
	".skip 8192, 0x90\n"
	"guess_far: nop\n"
	/* Stubs as linkers make them; the third is Ubuntu's, in .plt.sec. */
	".balign 16\n"
	"guess_stubs:\n"
	"jmp *guess_code(%rip)\n"
	".balign 16\n endbr64\n jmp *guess_code(%rip)\n"
	".balign 16\n endbr64\n .byte 0xf2; jmp *guess_code(%rip)\n"
	".balign 16\n .byte 0xf2; jmp *guess_code(%rip)\n"
	".balign 16\n endbr64\n nop\n jmp *guess_code(%rip)\n"
	".balign 16\n");

#define ADDRESS(label) ((uint64_t)(label))

static struct modules modules;
static struct mapping mappings[2] = {{MADE_AT, MADE_AT + 0x10000, MADE_AT, MADE, 0}};
#define program mappings[1]
static struct maps maps = {.generation = 1, .n = 2, .v = mappings};
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
	if (modules_open(&modules, -1, MADE, MODULE_NO_FILE) ||
		modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0) ||
		module_vaddr_to_offset(modules_get(&modules, MODULE), vaddr, &offset))
		return -1;
	program = (struct mapping){ADDRESS(guess_code), ADDRESS(etext), offset, MODULE, 0};
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

static void stubs_are_known(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(call_site_is_plt(&code, ADDRESS(guess_stubs) + 16 * i));
	assert_false(call_site_is_plt(&code, ADDRESS(guess_stubs) + 16 * 4));
	assert_false(call_site_is_plt(&code, ADDRESS(guess_code)));
	assert_false(call_site_is_plt(&code, 8));
}

/* --- whole stacks --------------------------------------------------------------------------- */

#define WORDS 64u

static union {
	struct capture head;
	unsigned char bytes[sizeof(struct capture) + WORDS * sizeof(uint64_t)];
} made;

#define made_words ((uint64_t *)(void *)made.head.stack)

/* A thread in the middle of guess_code. */
static void make(uint64_t rbp)
{
	memset(&made, 0, sizeof(made));
	made.head.stack_base = BASE;
	made.head.stack_len = WORDS * sizeof(uint64_t);
	made.head.regs.r[DWREG_PC] = ADDRESS(guess_code) + 100;
	made.head.regs.r[DWREG_RSP] = BASE;
	made.head.regs.r[DWREG_RBP] = rbp;
	made.head.regs.known = REGS_ALL;
}

static uint64_t link_at(unsigned at, uint64_t saved, uint64_t address)
{
	made_words[at] = saved;
	made_words[at + 1] = address;
	return BASE + 8 * at;
}

static struct stack stack;

static uint64_t unwind_made(void)
{
	struct rules *rules = rules_new();
	struct unwinder u = {.modules = &modules, .rules = rules, .reading = mark};
	uint64_t need;

	unwind_capture(&u, &made.head, &maps, &stack, &need);
	rules_free(rules);
	return need;
}

static void assert_frame(uint32_t i, const char *address)
{
	assert_true(i < stack.n);
	assert_int_equal(stack.v[i].offset - program.offset + program.start, ADDRESS(address) - 1);
	assert_int_equal(stack.v[i].flags, FRAME_RETURN | FRAME_GUESSED);
}

static void chain_ends_where_rbp_is_cleared(void **state)
{
	(void)state;
	make(BASE + 8 * 4);
	link_at(4, BASE + 8 * 10, ADDRESS(guess_return));
	link_at(10, 0, ADDRESS(guess_start_return));
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_frame(1, guess_return);
	assert_frame(2, guess_start_return);
	assert_int_equal(stack.end, STACK_DONE);
	/* The zero may as well be data, */
	link_at(10, 0, ADDRESS(guess_return));
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_int_equal(stack.end, STACK_NO_CFI);
	/* above all where no step led to. */
	make(0);
	made.head.regs.r[DWREG_PC] = ADDRESS(guess_start_return);
	unwind_made();
	assert_int_equal(stack.n, 1);
	assert_int_equal(stack.end, STACK_NO_CFI);
}

static void chain_beyond_the_copy_is_wanted(void **state)
{
	(void)state;
	make(BASE + 8 * 4);
	link_at(4, BASE + 8 * (WORDS + 100), ADDRESS(guess_return));
	assert_true(unwind_made() > 8 * (WORDS + 100));
	assert_int_equal(stack.n, 2);
	assert_int_equal(stack.end, STACK_UNREADABLE);
	/* No copy would reach it, it is not aligned, it is below. */
	link_at(4, BASE + LIMIT_STACK_MAX, ADDRESS(guess_return));
	assert_true(unwind_made() <= 8 * WORDS);
	assert_int_equal(stack.end, STACK_NO_CFI);
	link_at(4, BASE + 8 * WORDS + 4, ADDRESS(guess_return));
	unwind_made();
	assert_int_equal(stack.end, STACK_NO_CFI);
	made.head.regs.r[DWREG_RBP] = BASE - 8;
	link_at(4, 0, ADDRESS(guess_stub_return));
	unwind_made();
	assert_int_equal(stack.n, 1);
	assert_int_equal(stack.end, STACK_NO_CFI);
}

/* guess_code has no frame of its own, rbp is its caller's. */
static void leaf_keeps_its_caller(void **state)
{
	(void)state;
	make(BASE + 8 * 4);
	made_words[0] = ADDRESS(guess_return);
	link_at(4, 0, ADDRESS(guess_start_return) + 1);
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_frame(1, guess_return);
	link_at(4, 0, ADDRESS(guess_stub_return));
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_frame(1, guess_return);
	assert_frame(2, guess_stub_return);
	/* Through a PLT it may be anywhere, */
	made_words[0] = ADDRESS(guess_stub_return);
	made.head.regs.r[DWREG_PC] = ADDRESS(guess_far);
	link_at(4, 0, ADDRESS(guess_start_return) + 1);
	unwind_made();
	assert_frame(1, guess_stub_return);
	/* else near what is called. */
	made_words[0] = ADDRESS(guess_return);
	unwind_made();
	assert_int_equal(stack.n, 1);
}

/* What an earlier call left at sp. */
static void frame_of_its_own_comes_first(void **state)
{
	(void)state;
	make(BASE + 8 * 4);
	made_words[0] = ADDRESS(guess_return);
	link_at(4, 0, ADDRESS(guess_start_return));
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_frame(1, guess_start_return);
	/* In its first instructions there is none yet. */
	made.head.regs.r[DWREG_PC] = ADDRESS(guess_code) + 8;
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_frame(1, guess_return);
}

/* guess_code never returns: the first return address there is has to be its own. */
static void code_without_return_is_called_directly(void **state)
{
	(void)state;
	make(8);
	made_words[3] = ADDRESS(guess_return) + 1;
	made_words[7] = ADDRESS(guess_return);
	made_words[9] = ADDRESS(guess_start_return);
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_frame(1, guess_return);
	assert_frame(2, guess_start_return);
	made_words[5] = ADDRESS(guess_stub_return);
	unwind_made();
	assert_int_equal(stack.n, 1);
	assert_int_equal(stack.end, STACK_NO_CFI);
	/* Or that of the code in which all begins. */
	made_words[5] = ADDRESS(guess_start_return);
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_int_equal(stack.end, STACK_DONE);
}

/* --- code without a file ------------------------------------------------------------------- */

#define SP_WORD 16u /* behind the red zone */

static void assert_made_frame(uint32_t i, uint64_t address, uint32_t flags)
{
	assert_true(i < stack.n);
	assert_int_equal(stack.v[i].module, MADE);
	assert_int_equal(stack.v[i].offset, address);
	assert_int_equal(stack.v[i].flags, flags);
}

/* In made code: around pc these bytes, from pc on. */
static void make_made(uint64_t rbp, const char *code, size_t n)
{
	make(rbp);
	made.head.regs.r[DWREG_PC] = MADE_AT + 0x100;
	made.head.regs.r[DWREG_RSP] = BASE + 8 * SP_WORD;
	made.head.flags = CAPTURE_STOPPED | CAPTURE_CODE;
	memset(made.head.stack, 0x90, CODE_BYTES);
	memcpy(made.head.stack + CODE_BEFORE, code, n);
}

static void made_leaf_keeps_its_caller(void **state)
{
	(void)state;
	make_made(BASE + 8 * 20, "\x55\x48\x89\xe5", 4);
	made_words[SP_WORD] = MADE_AT + 0x250;
	link_at(20, BASE + 8 * 30, ADDRESS(guess_return));
	unwind_made();
	assert_made_frame(0, MADE_AT + 0x100, 0);
	assert_made_frame(1, MADE_AT + 0x250 - 1, FRAME_RETURN | FRAME_GUESSED);
	assert_frame(2, guess_return);
	/* With its frame rbp is its own, */
	make_made(BASE + 8 * 20, "\x90", 1);
	made_words[SP_WORD] = MADE_AT + 0x250;
	link_at(20, BASE + 8 * 30, ADDRESS(guess_return));
	unwind_made();
	assert_frame(1, guess_return);
	/* and nothing is returned to where no call is. */
	make_made(BASE + 8 * 20, "\xc3", 1);
	made_words[SP_WORD] = ADDRESS(guess_return) + 1;
	link_at(20, BASE + 8 * 30, ADDRESS(guess_return));
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_frame(1, guess_return);
}

/* The bytes of code are no stack. */
static void code_is_no_stack(void **state)
{
	(void)state;
	make_made(BASE + 8, "\x90", 1);
	made.head.regs.r[DWREG_RSP] = BASE;
	made_words[1] = BASE + 8 * 30;
	made_words[2] = ADDRESS(guess_return);
	unwind_made();
	assert_int_equal(stack.n, 1);
	assert_int_equal(stack.end, STACK_NO_CFI);
	/* A capture that is too short for them has none. */
	made.head.stack_len = CODE_BYTES - 1;
	unwind_made();
	assert_frame(1, guess_return);
}

static void caller_of_made_code_needs_no_frame_pointer(void **state)
{
	(void)state;
	make_made(BASE + 8 * 20, "\x90", 1);
	link_at(20, 12345, ADDRESS(guess_return));
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_frame(1, guess_return);
	/* But its call must be seen. */
	link_at(20, 12345, MADE_AT + 0x250);
	unwind_made();
	assert_int_equal(stack.n, 1);
	link_at(20, 12345, ADDRESS(guess_return) + 1);
	unwind_made();
	assert_int_equal(stack.n, 1);
	assert_int_equal(stack.end, STACK_NO_CFI);
}

/* A function with unwind information, which a trampoline without a frame pointer called. */
static void trampoline_with_padding(void **state)
{
	(void)state;
	make(0);
	made.head.regs.r[DWREG_PC] = (uint64_t)unwind_made;
	made_words[0] = MADE_AT + 0x250;
	made_words[2] = ADDRESS(guess_return);
	unwind_made();
	assert_int_equal(stack.n, 3);
	assert_made_frame(1, MADE_AT + 0x250 - 1, FRAME_RETURN);
	assert_frame(2, guess_return);
	/* Not over a word that is no return address, or whose call cannot be seen. */
	made_words[2] = ADDRESS(guess_return) + 1;
	unwind_made();
	assert_int_equal(stack.n, 2);
	assert_int_equal(stack.end, STACK_NO_CFI);
	made_words[2] = MADE_AT + 0x300;
	unwind_made();
	assert_int_equal(stack.n, 2);
	/* A frame pointer comes first. */
	made_words[2] = ADDRESS(guess_return);
	made.head.regs.r[DWREG_RBP] = link_at(10, BASE + 8 * 20, MADE_AT + 0x400);
	unwind_made();
	assert_made_frame(2, MADE_AT + 0x400 - 1, FRAME_RETURN | FRAME_GUESSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_marked_while_they_are_read),
		cmocka_unit_test(stubs_are_known),
		cmocka_unit_test(chain_ends_where_rbp_is_cleared),
		cmocka_unit_test(chain_beyond_the_copy_is_wanted),
		cmocka_unit_test(leaf_keeps_its_caller),
		cmocka_unit_test(frame_of_its_own_comes_first),
		cmocka_unit_test(code_without_return_is_called_directly),
		cmocka_unit_test(made_leaf_keeps_its_caller),
		cmocka_unit_test(code_is_no_stack),
		cmocka_unit_test(caller_of_made_code_needs_no_frame_pointer),
		cmocka_unit_test(trampoline_with_padding),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
