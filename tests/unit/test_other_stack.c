/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/sigframe and goroutine: where a thread was before it changed its stack. Signal
 * frames are the kernel's own, or made after glibc's ucontext_t. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/goroutine.h"
#include "agent/tracer/sigframe.h"

/* --- signal frames -------------------------------------------------------------------------- */

struct frame {
	uint64_t trampoline;
	ucontext_t context;
};

#define BASE	0x7f0000001000ull
#define BYTES	4096u
#define AT	0x408u /* of the frame: 8 above a multiple of 16 */
#define OUTSIDE 0x7ffc00000010ll

static unsigned char bytes[BYTES];

static struct frame good_frame(void)
{
	struct frame f = {.trampoline = 0x401000};

	f.context.uc_flags = 7;
	f.context.uc_stack.ss_sp = (void *)BASE;
	f.context.uc_stack.ss_size = BYTES;
	f.context.uc_mcontext.gregs[REG_RSP] = OUTSIDE;
	f.context.uc_mcontext.gregs[REG_CSGSFS] = 0x002b000000000033ll;
	f.context.uc_mcontext.fpregs = (void *)(BASE + AT + 0x200);
	return f;
}

static void put(const struct frame *f, size_t at)
{
	memcpy(bytes + at, f, offsetof(struct frame, context.uc_sigmask));
}

static uint64_t find_in(const struct frame *f)
{
	memset(bytes, 0x33, sizeof(bytes));
	put(f, AT);
	return sigframe_interrupted(bytes, BYTES, BASE, BASE + 0x100);
}

static volatile uint64_t answer, truth;

__attribute__((no_sanitize("address"))) static void on_signal(
	int sig, siginfo_t *info, void *context)
{
	static unsigned char copy[8192];
	const ucontext_t *uc = context;
	uint64_t sp = (uint64_t)__builtin_frame_address(0) & ~0xffull;
	uint64_t end = (uint64_t)uc->uc_stack.ss_sp + uc->uc_stack.ss_size;
	size_t n = end - sp < sizeof(copy) ? end - sp : sizeof(copy);

	(void)sig, (void)info;
	for (size_t i = 0; i < n; i++)
		copy[i] = ((const volatile unsigned char *)sp)[i];
	truth = uc->uc_mcontext.gregs[REG_RSP];
	answer = sigframe_interrupted(copy, n, sp, sp);
}

static void the_kernels_frame_is_found(void **state)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	stack_t own = {.ss_sp = malloc(65536), .ss_size = 65536}, old;

	(void)state;
	assert_non_null(own.ss_sp);
	sigaltstack(&own, &old);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_true(truth && answer == truth);
	/* On the usual stack there is nothing to find. */
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_int_equal(answer, 0);
	sigaltstack(&old, NULL);
	free(own.ss_sp);
}

static void what_is_no_frame_is_not_taken(void **state)
{
	struct frame f = good_frame();

	(void)state;
	assert_true(find_in(&f) == OUTSIDE);
#define BAD(assignment) (f = good_frame(), assignment, assert_int_equal(find_in(&f), 0))
	BAD(f.trampoline = 0);
	BAD(f.context.uc_flags = 8);
	BAD(f.context.uc_link = (void *)BASE);
	BAD(f.context.uc_stack.ss_sp = (void *)(BASE + AT + 8));
	BAD(f.context.uc_stack.ss_size = AT - 8);
	BAD(f.context.uc_stack.ss_size = 0);
	BAD(f.context.uc_mcontext.gregs[REG_CSGSFS] = 0x23);
	BAD(f.context.uc_mcontext.fpregs = NULL);
	BAD(f.context.uc_mcontext.fpregs = (void *)(BASE + BYTES + 8));
	BAD(f.context.uc_mcontext.gregs[REG_RSP] = BASE + 0x800);
	/* The thread has left it behind, */
	f = good_frame();
	find_in(&f);
	assert_int_equal(sigframe_interrupted(bytes, BYTES, BASE, BASE + AT + 16), 0);
	/* is in its trampoline, or on another stack than it speaks of. */
	assert_true(sigframe_interrupted(bytes, BYTES, BASE, BASE + AT + 8) == OUTSIDE);
	f.context.uc_stack.ss_sp = (void *)(BASE + 0x200);
	assert_int_equal(find_in(&f), 0);
}

static void the_first_signals_frame_counts(void **state)
{
	struct frame outer = good_frame(), inner = good_frame();

	(void)state;
	inner.context.uc_mcontext.gregs[REG_RSP] = BASE + 0x700;
	inner.context.uc_mcontext.fpregs = (void *)(BASE + 0x400);
	find_in(&outer);
	put(&inner, AT - 0x200);
	assert_true(sigframe_interrupted(bytes, BYTES, BASE, BASE + 0x100) == OUTSIDE);
}

/* Any address may be the answer; it is only read from by the kernel. */
static void hostile_frames_are_only_answers(void **state)
{
	static const uint64_t where[] = {
		1, 0xffffffff81000000, UINT64_MAX, BASE - 1, BASE, BASE + BYTES + 1, 1ull << 63};
	struct frame f = good_frame();

	(void)state;
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		f.context.uc_mcontext.gregs[REG_RSP] = where[i];
		assert_true(find_in(&f) == where[i]);
	}
}

/* The sanitizers look on: the bytes end where they end. */
static void nothing_outside_is_read(void **state)
{
	struct frame f = good_frame();
	uint64_t x = 88172645463325252;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		size_t n = x % 700;
		unsigned char *exact = malloc(n ? n : 1);
		assert_non_null(exact);
		for (size_t i = 0; i < n; i++)
			exact[i] = ((const unsigned char *)&f)[i];
		if (n)
			exact[(x >> 32) % n] = x >> 56;
		sigframe_interrupted(exact, n, BASE + AT - (x >> 20) % 16, BASE);
		sigframe_interrupted(exact, n, x, x >> 3);
		free(exact);
	}
}

/* --- goroutines ------------------------------------------------------------------------------ */

enum { LOW, HIGH, M = 6, SP, PC, WORDS };
#define CURG 0xc0u

static uint64_t system_g[WORDS], user_g[WORDS], m[64], tls[1];

static struct user_regs_struct make_threads(void)
{
	memset(m, 0, sizeof(m));
	memcpy(system_g, (uint64_t[WORDS]){0x1000, 0x5000, 0, 0, 0, 0, (uint64_t)m, 0x4ff0, 7},
		sizeof(system_g));
	memcpy(user_g, (uint64_t[WORDS]){0x8000, 0x9000, 0, 0, 0, 0, (uint64_t)m, 0x8f00, 0x401234},
		sizeof(user_g));
	m[CURG / 8] = (uint64_t)user_g;
	tls[0] = (uint64_t)system_g;
	return (struct user_regs_struct){
		.fs_base = (uint64_t)(tls + 1), .rsp = 0x4800, .r12 = 0x8a00};
}

static void assert_goroutine(
	const struct user_regs_struct *u, uint64_t sp, uint64_t pc, uint64_t end)
{
	struct goroutine g = goroutine_of(getpid(), u, CURG);

	assert_int_equal(g.sp, sp);
	assert_int_equal(g.pc, pc);
	assert_int_equal(g.stack_end, end);
}

static void the_saved_goroutine_is_found(void **state)
{
	struct user_regs_struct u = make_threads();

	(void)state;
	assert_goroutine(&u, 0x8f00, 0x401234, 0x5000);
	/* On its own stack; asking for the time. */
	tls[0] = (uint64_t)user_g;
	u.rsp = 0x8800;
	assert_goroutine(&u, 0, 0, 0x9000);
	u.rsp = 0x4800;
	assert_goroutine(&u, 0x8a00, 0, 0);
	u.r12 = 5;
	assert_goroutine(&u, 0, 0, 0);
}

static void what_makes_no_sense_is_no_goroutine(void **state)
{
	struct user_regs_struct u = make_threads();
	void *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	user_g[M]++;
	assert_goroutine(&u, 0, 0, 0x5000);
	make_threads();
	user_g[SP] = 0x9008;
	assert_goroutine(&u, 0, 0, 0x5000);
	make_threads();
	assert_int_equal(goroutine_of(getpid(), &u, 1u << 20).sp, 0);
	uint64_t nowhere[] = {0, 1, (uint64_t)gone, 0xffffffff81000000, UINT64_MAX};
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		m[CURG / 8] = nowhere[i];
		assert_goroutine(&u, 0, 0, 0x5000);
		make_threads();
		system_g[M] = nowhere[i];
		assert_goroutine(&u, 0, 0, 0x5000);
		make_threads();
		tls[0] = nowhere[i];
		assert_goroutine(&u, 0, 0, 0);
		u.fs_base = nowhere[i];
		assert_goroutine(&u, 0, 0, 0);
		u = make_threads();
	}
	munmap(gone, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernels_frame_is_found),
		cmocka_unit_test(what_is_no_frame_is_not_taken),
		cmocka_unit_test(the_first_signals_frame_counts),
		cmocka_unit_test(hostile_frames_are_only_answers),
		cmocka_unit_test(nothing_outside_is_read),
		cmocka_unit_test(the_saved_goroutine_is_found),
		cmocka_unit_test(what_makes_no_sense_is_no_goroutine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
