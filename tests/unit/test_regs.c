/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/regs: the registers by DWARF number, and which interrupted calls are repaired. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "agent/tracer/regs.h"

/* include/linux/errno.h */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ENOIOCTLCMD	      515
#define ERESTART_RESTARTBLOCK 516

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

struct repair_case {
	long orig_rax, rax;
	int in_call, was_blocked, repaired;
};

static const struct repair_case repairs[] = {
	/* Would return EINTR because of us: restarts. */
	{SYS_epoll_wait, -EINTR, 1, 1, 1},
	{SYS_read, -EINTR, 1, 1, 1}, /* call 0 is a call */
	{SYS_semtimedop, -EINTR, 1, 1, 1},
	{SYS_rt_sigtimedwait, -EINTR, 1, 1, 1},
	{462, -EINTR, 1, 1, 1},
	/* The kernel restarts these by itself. */
	{SYS_read, -ERESTARTSYS, 1, 1, 0},
	{SYS_futex, -ERESTARTSYS, 1, 1, 0},
	{SYS_wait4, -ERESTARTNOINTR, 1, 1, 0},
	{SYS_pause, -ERESTARTNOHAND, 1, 1, 0},
	{SYS_nanosleep, -ERESTART_RESTARTBLOCK, 1, 1, 0},
	/* Results like any other. */
	{SYS_read, -511, 1, 0, 0},
	{SYS_read, -517, 1, 0, 0},
	{SYS_read, 0, 1, 0, 0},
	{SYS_read, 4, 1, 0, 0},
	{SYS_read, 512, 1, 0, 0},
	{SYS_read, 514, 1, 0, 0},
	{SYS_read, -EAGAIN, 1, 0, 0},
	{SYS_read, -EPERM, 1, 0, 0},
	{SYS_read, -EIO, 1, 0, 0},
	{SYS_read, -3, 1, 0, 0},
	{SYS_getpid, 4194304, 1, 0, 0},
	{SYS_read, 0xfffffffc, 1, 0, 0}, /* -EINTR in 32 bits only */
	{SYS_mmap, -4096, 1, 0, 0},
	/* Outside a call rax is only a number. */
	{-1, 0, 0, 0, 0},
	{-1, 1, 0, 0, 0},
	{-1, -EAGAIN, 0, 0, 0},
	{-1, -EINTR, 0, -1, 0},
	{-1, -ERESTARTSYS, 0, -1, 0},
	{INT64_MIN, -EINTR, 0, -1, 0},
};

static void only_eintr_inside_a_call_is_repaired(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(repairs) / sizeof(*repairs); i++) {
		const struct repair_case *c = &repairs[i];
		struct user_regs_struct u, before;
		memset(&u, 0x77, sizeof(u));
		u.orig_rax = c->orig_rax;
		u.rax = c->rax;
		before = u;
		assert_int_equal(!!regs_in_syscall(&u), c->in_call);
		if (c->was_blocked >= 0) /* asked only of threads inside a call */
			assert_int_equal(!!regs_was_blocked(&u), c->was_blocked);
		assert_int_equal(regs_repair(&u), c->repaired);
		if (c->repaired)
			before.rax = -ERESTARTNOHAND;
		assert_memory_equal(&u, &before, sizeof(u));
	}
}

/* Once repaired it is the kernel's to restart, and still shows as blocked. */
static void a_repair_is_made_once(void **state)
{
	(void)state;
	struct user_regs_struct u = {.orig_rax = SYS_epoll_wait, .rax = -EINTR};
	assert_int_equal(regs_repair(&u), 1);
	assert_int_equal((long)u.rax, -514);
	assert_int_equal((long)u.orig_rax, SYS_epoll_wait);
	assert_int_equal(regs_repair(&u), 0);
	assert_int_equal((long)u.rax, -514);
	assert_true(regs_was_blocked(&u));
}

static void every_restart_code_means_it_was_blocked(void **state)
{
	(void)state;
	for (long result = -600; result <= 600; result++) {
		struct user_regs_struct u = {.orig_rax = SYS_read, .rax = result};
		int blocked = result == -4 || (result <= -512 && result >= -516);
		assert_int_equal(!!regs_was_blocked(&u), blocked);
	}
	assert_int_equal(ENOIOCTLCMD, 515); /* never leaves the kernel: counted in is harmless */
}

/* A second close or ioctl does what the first has done already: they fail, and that is counted. */
static void what_must_not_be_repeated_is_left(void **state)
{
	(void)state;
	static const long calls[] = {SYS_close, SYS_ioctl};
	for (size_t i = 0; i < 2; i++) {
		struct user_regs_struct u = {.orig_rax = calls[i], .rax = -EINTR};
		assert_int_equal(regs_repair(&u), 0);
		assert_int_equal((long)u.rax, -EINTR);
		assert_true(regs_fails(&u));
	}
	struct user_regs_struct done = {.orig_rax = SYS_close, .rax = 0};
	assert_false(regs_fails(&done));
}

/* What the kernel continues by restart_syscall, and nothing else, can be made to begin anew. */
static void a_wait_that_a_filter_would_punish_begins_anew(void **state)
{
	(void)state;
	for (long result = -600; result <= 600; result++) {
		struct user_regs_struct u = {.orig_rax = SYS_nanosleep, .rax = result};
		assert_int_equal(!!regs_is_restarted_by_call(&u), result == -516);
		u.orig_rax = -1;
		assert_false(regs_is_restarted_by_call(&u));
	}
	struct user_regs_struct u = {.orig_rax = SYS_nanosleep, .rax = -516, .rip = 7}, before = u;
	regs_begin_anew(&u);
	before.rax = -ERESTARTNOHAND;
	assert_memory_equal(&u, &before, sizeof(u));
}

static int cut(long call, long rax, unsigned long rsi, unsigned long rdx)
{
	struct user_regs_struct u = {.orig_rax = call, .rax = rax, .rsi = rsi, .rdx = rdx};

	u.r10 = call == SYS_recvfrom ? MSG_WAITALL : 0;

	return regs_is_cut_short(&u);
}

static void part_of_the_work_done_is_cut_short(void **state)
{
	(void)state;
	static const long third[] = {SYS_write, SYS_pwrite64, SYS_sendto, SYS_recvfrom};
	for (size_t i = 0; i < sizeof(third) / sizeof(*third); i++) {
		assert_true(cut(third[i], 1, 0, 2));
		assert_true(cut(third[i], 4095, 1, 4096));
		assert_true(cut(third[i], 1, 0, UINT64_MAX));
		assert_false(cut(third[i], 4096, UINT64_MAX, 4096)); /* all of it */
		assert_false(cut(third[i], 0, UINT64_MAX, 4096));
		assert_false(cut(third[i], -EINTR, UINT64_MAX, 4096));
		assert_false(cut(third[i], -ERESTARTSYS, UINT64_MAX, 4096));
	}
	assert_true(cut(SYS_getrandom, 256, 1000, 0)); /* its size is the second argument */
	assert_false(cut(SYS_getrandom, 1000, 1000, UINT64_MAX));
	assert_false(cut(SYS_getrandom, -EINTR, 1000, 0));
	struct user_regs_struct some = {.orig_rax = SYS_recvfrom, .rax = 1, .rdx = 4096};
	assert_false(regs_is_cut_short(&some));	 /* without MSG_WAITALL it takes what is there */
	assert_false(cut(SYS_read, 1, 0, 4096)); /* a short read is a read's daily bread */
	assert_false(cut(SYS_getpid, 1, 4096, 4096));
	assert_false(cut(-1, 1, 4096, 4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dwarf_numbers_are_those_of_the_abi),
		cmocka_unit_test(only_eintr_inside_a_call_is_repaired),
		cmocka_unit_test(a_repair_is_made_once),
		cmocka_unit_test(every_restart_code_means_it_was_blocked),
		cmocka_unit_test(what_must_not_be_repeated_is_left),
		cmocka_unit_test(a_wait_that_a_filter_would_punish_begins_anew),
		cmocka_unit_test(part_of_the_work_done_is_cut_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
