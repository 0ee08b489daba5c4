/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/regs: the registers by DWARF number. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "agent/tracer/regs.h"
#include "agent/tracer/waits.h"

/* System V ABI, figure 3.36, by its numbers and not by our names. */
static void dwarf_numbers_are_those_of_the_abi(void **state)
{
	(void)state;
	struct user_regs_struct u;
	struct regs r;
	memset(&u, 0x77, sizeof(u));
	u.rax = 100, u.rdx = 101, u.rcx = 102, u.rbx = 103;
	u.rsi = 104, u.rdi = 105, u.rbp = 106, u.rsp = 107;
	u.r8 = 108, u.r9 = 109, u.r10 = 110, u.r11 = 111;
	u.r12 = 112, u.r13 = 113, u.r14 = 114, u.r15 = 115;
	u.rip = 116;
	memset(&r, 0x55, sizeof(r));
	regs_from_user(&r, &u);
	for (int i = 0; i < 17; i++)
		assert_int_equal(r.r[i], 100 + i);
	assert_int_equal(REGS_COUNT, 17);
	assert_int_equal(r.known, 0x1ffff);
	assert_int_equal(r.unused, 0);
	u.rsp = UINT64_MAX;
	u.rip = 0xffffffffff600000;
	regs_from_user(&r, &u);
	assert_true(r.r[7] == UINT64_MAX);
	assert_true(r.r[16] == 0xffffffffff600000);
}

static void a_call_is_told_by_orig_rax(void **state)
{
	(void)state;
	static const struct {
		long orig_rax;
		int in_call;
	} cases[] = {{SYS_read, 1}, {SYS_getpid, 1}, {462, 1}, {-1, 0}, {INT64_MIN, 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct user_regs_struct u = {.orig_rax = cases[i].orig_rax, .rax = -EINTR};
		assert_int_equal(!!regs_in_syscall(&u), cases[i].in_call);
	}
}

/* syscall(2): arguments in rdi, rsi, rdx, r10, r8, r9, by their numbers 5, 4, 1, 10, 8, 9. */
static void a_blocked_thread_has_the_arguments_of_its_call(void **state)
{
	struct call_now call = {.nr = 58, .args = {1, 2, 3, 4, 5, 6}, .sp = 7, .pc = 8};
	struct regs r;

	(void)state;
	regs_from_call(&r, &call);
	assert_int_equal(r.r[5], 1);
	assert_int_equal(r.r[4], 2);
	assert_int_equal(r.r[1], 3);
	assert_int_equal(r.r[10], 4);
	assert_int_equal(r.r[8], 5);
	assert_int_equal(r.r[9], 6);
	assert_int_equal(r.r[7], 7);
	assert_int_equal(r.r[16], 8);
	assert_int_equal(
		r.known, 1 << 5 | 1 << 4 | 1 << 1 | 1 << 10 | 1 << 8 | 1 << 9 | 1 << 7 | 1 << 16);
	/* In no call (a page fault) there are none. */
	call.nr = -1;
	regs_from_call(&r, &call);
	assert_int_equal(r.known, 1 << 7 | 1 << 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blocked_thread_has_the_arguments_of_its_call),
		cmocka_unit_test(dwarf_numbers_are_those_of_the_abi),
		cmocka_unit_test(a_call_is_told_by_orig_rax),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
