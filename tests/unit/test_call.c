/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/call: which interrupted calls are repaired, and which were cut short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/call.h"

/* include/linux/errno.h */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ENOIOCTLCMD	      515
#define ERESTART_RESTARTBLOCK 516

struct repair_case {
	long orig_rax, rax;
	int was_blocked, repaired;
};

static const struct repair_case repairs[] = {
	/* Would return EINTR because of us: restarts. */
	{SYS_epoll_wait, -EINTR, 1, 1},
	{SYS_read, -EINTR, 1, 1},
	{SYS_semtimedop, -EINTR, 1, 1},
	{SYS_rt_sigtimedwait, -EINTR, 1, 1},
	{462, -EINTR, 1, 1},
	/* The kernel restarts these by itself. */
	{SYS_read, -ERESTARTSYS, 1, 0},
	{SYS_futex, -ERESTARTSYS, 1, 0},
	{SYS_wait4, -ERESTARTNOINTR, 1, 0},
	{SYS_pause, -ERESTARTNOHAND, 1, 0},
	{SYS_nanosleep, -ERESTART_RESTARTBLOCK, 1, 0},
	/* Results like any other. */
	{SYS_read, -511, 0, 0},
	{SYS_read, -517, 0, 0},
	{SYS_read, 0, 0, 0},
	{SYS_read, 4, 0, 0},
	{SYS_read, 512, 0, 0},
	{SYS_read, 514, 0, 0},
	{SYS_read, -EAGAIN, 0, 0},
	{SYS_read, -EPERM, 0, 0},
	{SYS_read, -EIO, 0, 0},
	{SYS_read, -3, 0, 0},
	{SYS_getpid, 4194304, 0, 0},
	{SYS_read, 0xfffffffc, 0, 0}, /* -EINTR in 32 bits only */
	{SYS_mmap, -4096, 0, 0},
};

static void only_eintr_is_repaired(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(repairs) / sizeof(*repairs); i++) {
		const struct repair_case *c = &repairs[i];
		struct user_regs_struct u, before;
		memset(&u, 0x77, sizeof(u));
		u.orig_rax = c->orig_rax;
		u.rax = c->rax;
		before = u;
		assert_int_equal(!!call_was_blocked(&u), c->was_blocked);
		assert_int_equal(call_repair(&u), c->repaired);
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
	assert_int_equal(call_repair(&u), 1);
	assert_int_equal((long)u.rax, -514);
	assert_int_equal((long)u.orig_rax, SYS_epoll_wait);
	assert_int_equal(call_repair(&u), 0);
	assert_int_equal((long)u.rax, -514);
	assert_true(call_was_blocked(&u));
}

static void every_restart_code_means_it_was_blocked(void **state)
{
	(void)state;
	for (long result = -600; result <= 600; result++) {
		struct user_regs_struct u = {.orig_rax = SYS_read, .rax = result};
		int blocked = result == -4 || (result <= -512 && result >= -516);
		assert_int_equal(!!call_was_blocked(&u), blocked);
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
		assert_int_equal(call_repair(&u), 0);
		assert_int_equal((long)u.rax, -EINTR);
		assert_true(call_fails(&u));
	}
	struct user_regs_struct done = {.orig_rax = SYS_close, .rax = 0};
	assert_false(call_fails(&done));
}

/* Which calls ask for signals before they ask for their timer. */
static void some_waits_start_anew(void **state)
{
	(void)state;
	static const struct {
		long call, rax;
		int anew;
	} cases[] = {
		{SYS_io_getevents, -EINTR, 1},
		{SYS_recvfrom, -EINTR, 1},
		{SYS_accept4, -EINTR, 1},
		{SYS_recvfrom, -ERESTARTSYS, 0}, /* has no time-out */
		{SYS_recvfrom, -EAGAIN, 0},
		{SYS_io_getevents, 0, 0},
		{SYS_io_pgetevents, -ERESTARTNOHAND, 1},
		{SYS_epoll_wait, -EINTR, 0},
		{SYS_rt_sigtimedwait, -EINTR, 0},
		{SYS_semtimedop, -EINTR, 0},
		{SYS_nanosleep, -ERESTART_RESTARTBLOCK, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct user_regs_struct u = {.orig_rax = cases[i].call, .rax = cases[i].rax};
		assert_int_equal(call_starts_anew(&u), cases[i].anew);
	}
}

static int is_cut(long call, long rax, const unsigned long args[6])
{
	struct user_regs_struct u = {.orig_rax = call,
		.rax = rax,
		.rdi = args[0],
		.rsi = args[1],
		.rdx = args[2],
		.r10 = args[3],
		.r8 = args[4],
		.r9 = args[5]};

	return call_is_cut_short(&u, getpid());
}

/* Calls with their length in a register: all of it is not short, less is, failure is not. */
static void check_length(long call, int at, unsigned long flags_at_3)
{
	unsigned long args[6] = {[3] = flags_at_3};

	args[at] = 4096;
	assert_true(is_cut(call, 1, args));
	assert_true(is_cut(call, 4095, args));
	assert_false(is_cut(call, 4096, args));
	assert_false(is_cut(call, 0, args));
	assert_false(is_cut(call, -EINTR, args));
	assert_false(is_cut(call, -ERESTARTSYS, args));
	args[at] = UINT64_MAX;
	assert_true(is_cut(call, 1, args));
}

static void part_of_the_work_done_is_cut_short(void **state)
{
	(void)state;
	check_length(SYS_write, 2, 0);
	check_length(SYS_pwrite64, 2, 0);
	check_length(SYS_sendto, 2, 0);
	check_length(SYS_recvfrom, 2, MSG_WAITALL);
	check_length(SYS_getrandom, 1, 0);
	check_length(SYS_sendfile, 3, 0);
	check_length(SYS_sendmmsg, 2, 0);
	check_length(SYS_recvmmsg, 2, 0);
}

/* A call that is about to be made again shows its own number where its result was. */
static void a_call_made_again_is_not_cut_short(void **state)
{
	(void)state;
	struct user_regs_struct u = {
		.orig_rax = SYS_sendto, .rax = SYS_sendto, .rdx = 4096, .rip = 998, .rcx = 1000};
	assert_false(call_is_cut_short(&u, getpid()));
	u.rip = 1000; /* it returns */
	assert_true(call_is_cut_short(&u, getpid()));
	u.rip = 998;
	u.rax = SYS_sendto + 1;
	assert_true(call_is_cut_short(&u, getpid()));
}

/* They return what is there, stop or no stop. */
static void a_short_read_is_daily_bread(void **state)
{
	(void)state;
	static const struct {
		long call;
		unsigned long args[6];
	} cases[] = {
		{SYS_read, {0, 0, 4096}},
		{SYS_recvfrom, {0, 0, 4096}},
		{SYS_splice, {0, 0, 0, 0, 4096}},
		{SYS_vmsplice, {0, 4096, 4096}},
		{SYS_sendto, {0, 0, 4096, MSG_DONTWAIT}},
		{SYS_recvmmsg, {0, 0, 4096, MSG_WAITFORONE}},
		{SYS_recvmmsg, {0, 0, 4096, 0, 1}},
		{SYS_getpid, {4096, 4096, 4096, 4096, 4096, 4096}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_false(is_cut(cases[i].call, 1, cases[i].args));
}

/* The lengths are in the target's memory, here our own. */
static void vectors_are_read_from_the_target(void **state)
{
	(void)state;
	struct iovec v[3] = {{NULL, 100}, {NULL, 0}, {NULL, 28}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
	unsigned long vector[6] = {0, (uintptr_t)v, 3}, message[6] = {0, (uintptr_t)&m};
	static const long calls[] = {SYS_writev, SYS_pwritev, SYS_pwritev2};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		assert_true(is_cut(calls[i], 1, vector));
		assert_true(is_cut(calls[i], 127, vector));
		assert_false(is_cut(calls[i], 128, vector));
		assert_false(is_cut(calls[i], -EAGAIN, vector));
	}
	assert_true(is_cut(SYS_sendmsg, 127, message));
	assert_false(is_cut(SYS_sendmsg, 128, message));
	assert_false(is_cut(SYS_recvmsg, 127, message)); /* without MSG_WAITALL */
	message[2] = MSG_WAITALL;
	assert_true(is_cut(SYS_recvmsg, 127, message));
	assert_false(is_cut(SYS_recvmsg, 128, message));
}

static void a_hostile_vector_does_no_harm(void **state)
{
	(void)state;
	static struct iovec most[1024];
	unsigned long args[6] = {0, (uintptr_t)most, 1024};
	struct msghdr m = {.msg_iov = (void *)8, .msg_iovlen = SIZE_MAX};

	most[1023].iov_len = SIZE_MAX;
	assert_true(is_cut(SYS_writev, 1, args)); /* its sum exceeds all numbers */
	most[0].iov_len = SIZE_MAX;
	assert_true(is_cut(SYS_writev, INT64_MAX, args));
	args[2] = 1025; /* the kernel refuses so many */
	assert_false(is_cut(SYS_writev, 1, args));
	args[2] = 0;
	assert_false(is_cut(SYS_writev, 1, args));
	args[1] = 8, args[2] = 4; /* nothing is mapped there */
	assert_false(is_cut(SYS_writev, 1, args));
	assert_false(is_cut(SYS_sendmsg, 1, args));
	args[1] = (uintptr_t)&m;
	assert_false(is_cut(SYS_sendmsg, 1, args));
}

/* What the kernel continues by restart_syscall, and nothing else, can be made to begin anew. */
static void a_wait_that_a_filter_would_punish_begins_anew(void **state)
{
	(void)state;
	for (long result = -600; result <= 600; result++) {
		struct user_regs_struct u = {.orig_rax = SYS_nanosleep, .rax = result};
		assert_int_equal(!!call_restarts_by_call(&u), result == -516);
	}
	struct user_regs_struct u = {.orig_rax = SYS_nanosleep, .rax = -516, .rip = 7}, before = u;
	call_begin_anew(&u);
	before.rax = -ERESTARTNOHAND;
	assert_memory_equal(&u, &before, sizeof(u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_that_a_filter_would_punish_begins_anew),
		cmocka_unit_test(only_eintr_is_repaired),
		cmocka_unit_test(a_repair_is_made_once),
		cmocka_unit_test(every_restart_code_means_it_was_blocked),
		cmocka_unit_test(what_must_not_be_repeated_is_left),
		cmocka_unit_test(some_waits_start_anew),
		cmocka_unit_test(part_of_the_work_done_is_cut_short),
		cmocka_unit_test(a_call_made_again_is_not_cut_short),
		cmocka_unit_test(a_short_read_is_daily_bread),
		cmocka_unit_test(vectors_are_read_from_the_target),
		cmocka_unit_test(a_hostile_vector_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
