/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwind/quick: stacks of frames whose unwind information is written here, unwound twice: when
 * their rules are compiled, and by what the cache says in brief. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "symbolize/modules.h"
#include "unwind/unwind.h"

#define MODULE 1u
#define BASE   0x7000000000ull /* of the stack; the CFA of the first frame is 16 more */
#define WORDS  64u

extern const char __ehdr_start[], etext[];
extern const char quick_code[], quick_rbx[], quick_rbp[], quick_low[], quick_large[],
	quick_by_rbx[], quick_by_rbp[], quick_lost[], quick_root[];
/* Each is a frame of 16 bytes but for by_rbx and by_rbp, whose CFA is 16 above that register. */
__asm__(".text\n"
	"quick_code: ret\n"
	"quick_rbx: .cfi_startproc\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -16\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_rbp: .cfi_startproc\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbp, -16\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_low: .cfi_startproc\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -64\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_large: .cfi_startproc\n"
	".cfi_def_cfa_offset 0x100000\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_by_rbx: .cfi_startproc\n"
	".cfi_def_cfa %rbx, 16\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_by_rbp: .cfi_startproc\n"
	".cfi_def_cfa %rbp, 16\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_lost: .cfi_startproc\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_undefined %rbp\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n"
	"quick_root: .cfi_startproc\n"
	".cfi_undefined %rip\n"
	"nop\n"
	"nop\n"
	".cfi_endproc\n");

#define ADDRESS(code) ((uint64_t)(code))

static struct modules modules;
static struct mapping program;
static struct maps maps = {.n = 1, .v = &program};
static struct rules *rules;
static struct stack stack;
static uint64_t need;
static const char *callers[16];
static uint32_t n_frames;

static union {
	struct capture head;
	unsigned char bytes[sizeof(struct capture) + WORDS * sizeof(uint64_t)];
} made;

#define made_words ((uint64_t *)(void *)made.head.stack)

static int set_up(void **state)
{
	uint64_t vaddr = ADDRESS(quick_code) - ADDRESS(__ehdr_start), offset;

	(void)state;
	modules_init(&modules);
	if (modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0) ||
		module_vaddr_to_offset(modules_get(&modules, MODULE), vaddr, &offset))
		return -1;
	program = (struct mapping){ADDRESS(quick_code), ADDRESS(etext), offset, MODULE, 0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	modules_fini(&modules);
	return 0;
}

static void make(const char *leaf)
{
	memset(&made, 0, sizeof(made));
	made.head.stack_base = BASE;
	made.head.stack_len = WORDS * sizeof(uint64_t);
	made.head.regs.r[DWREG_PC] = ADDRESS(leaf);
	made.head.regs.r[DWREG_RSP] = BASE;
	made.head.regs.known = REGS_ALL;
	callers[0] = leaf;
	n_frames = 1;
}

/* The next frame out: `at` is the word of its return address, below which saved is. */
static void called_by(const char *caller, unsigned at, uint64_t saved)
{
	if (at)
		made_words[at - 1] = saved;
	made_words[at] = ADDRESS(caller) + 1;
	callers[n_frames++] = caller;
}

static void ignore_reading(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

/* How the stack ends, when it is met first and then: the same. All but the first of its frames are
 * met at their return addresses, the first at its function's first byte. */
static enum stack_end unwind_twice(uint32_t frames, uint64_t needs)
{
	struct unwinder u = {.modules = &modules, .reading = ignore_reading};
	enum stack_end first = STACK_ENDS;

	rules = rules_new();
	u.rules = rules;
	for (int i = 0; i < 2; i++) {
		unwind_capture(&u, &made.head, &maps, &stack, &need);
		assert_int_equal(stack.n, frames);
		assert_int_equal(need, needs);
		for (uint32_t k = 0; k < stack.n; k++)
			assert_int_equal(stack.v[k].offset - program.offset + program.start,
				ADDRESS(callers[k]));
		assert_true(!i || first == stack.end);
		first = stack.end;
	}
	rules_free(rules);
	return stack.end;
}

static void brief_frames_are_walked(void **state)
{
	(void)state;
	make(quick_rbx);
	called_by(quick_rbp, 1, 1);
	called_by(quick_rbx, 3, 2);
	called_by(quick_root, 5, 3);
	assert_int_equal(unwind_twice(4, 48), STACK_DONE);
}

static void rbp_is_followed(void **state)
{
	const uint64_t old = BASE + 8 * 20;

	(void)state;
	make(quick_rbx);
	made.head.regs.r[DWREG_RBP] = old;
	made_words[21] = ADDRESS(quick_by_rbx) + 1;
	called_by(quick_rbp, 1, 1);
	called_by(quick_by_rbp, 3, BASE + 8 * 10);
	called_by(quick_root, 11, 0);
	assert_int_equal(unwind_twice(4, 96), STACK_DONE);
	/* It was known in the leaf. */
	make(quick_lost);
	made.head.regs.r[DWREG_RBP] = old;
	made_words[21] = ADDRESS(quick_by_rbx) + 1;
	called_by(quick_by_rbp, 1, 0);
	assert_int_equal(unwind_twice(2, 16), STACK_NO_REGISTER);
	/* Nobody knows where it is. */
	make(quick_by_rbp);
	made.head.regs.r[DWREG_RBP] = old;
	made_words[21] = ADDRESS(quick_by_rbx) + 1;
	made.head.regs.known &= ~(1u << DWREG_RBP);
	assert_int_equal(unwind_twice(1, 0), STACK_NO_REGISTER);
}

static void other_registers_are_found_when_they_matter(void **state)
{
	(void)state;
	make(quick_rbx);
	called_by(quick_rbp, 1, BASE + 8 * 10);
	called_by(quick_by_rbx, 3, 0);
	called_by(quick_rbp, 11, 0);
	called_by(quick_root, 13, 0);
	assert_int_equal(unwind_twice(5, 112), STACK_DONE);
}

static void stack_must_grow(void **state)
{
	(void)state;
	make(quick_rbp);
	called_by(quick_by_rbp, 1, BASE - 16);
	assert_int_equal(unwind_twice(2, 16), STACK_UNREADABLE);
	make(quick_rbp);
	called_by(quick_by_rbp, 1, BASE - 8);
	made_words[0] = BASE - 8;
	assert_int_equal(unwind_twice(2, 16), STACK_NO_PROGRESS);
}

/* What a rule names must be there, whether it matters or not. */
static void words_must_be_there(void **state)
{
	(void)state;
	make(quick_low);
	called_by(quick_root, 1, 0);
	assert_int_equal(unwind_twice(1, 16), STACK_UNREADABLE);
	make(quick_large);
	assert_int_equal(unwind_twice(1, 0), STACK_UNREADABLE);
	make(quick_rbx);
	made.head.stack_len = 8;
	assert_int_equal(unwind_twice(1, 48), STACK_UNREADABLE);
	made.head.stack_len = 4;
	assert_int_equal(unwind_twice(1, 48), STACK_UNREADABLE);
}

static void chain_may_end_with_zero(void **state)
{
	(void)state;
	make(quick_rbx);
	made_words[1] = 0;
	assert_int_equal(unwind_twice(1, 16), STACK_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brief_frames_are_walked),
		cmocka_unit_test(rbp_is_followed),
		cmocka_unit_test(other_registers_are_found_when_they_matter),
		cmocka_unit_test(stack_must_grow),
		cmocka_unit_test(words_must_be_there),
		cmocka_unit_test(chain_may_end_with_zero),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
