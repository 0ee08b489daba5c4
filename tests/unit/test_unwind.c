/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwinder against stacks whose truth the program records itself: each level of a chain of
 * calls notes its own return address, the deepest takes a capture of its own thread.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/sigframe.h"
#include "unwind/guess.h"
#include "unwind/unwind.h"
#include "unwind/want.h"

#define STACK_BYTES (64 * 1024)
#define LEVELS	    12

static struct modules modules;
static struct maps maps;
static struct rules *rules;

/* --- a capture of this very thread --------------------------------------------------------- */

static uint64_t truth[LEVELS + 4]; /* return addresses, leaf first */
static volatile unsigned n_truth;
static struct capture *capture;

static void take_regs(const ucontext_t *uc, struct regs *r)
{
	static const int from[REGS_COUNT] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
		REG_R15, REG_RIP};

	for (int i = 0; i < REGS_COUNT; i++)
		r->r[i] = uc->uc_mcontext.gregs[from[i]];
	r->known = REGS_ALL;
}

__attribute__((no_sanitize("address"))) static void copy_stack(uint64_t sp, size_t bytes)
{
	capture->stack_base = sp - 128;
	capture->stack_len = bytes;
	/* Byte by byte through volatile: the sanitizer knows frames, we want what is there. */
	const volatile unsigned char *p = (const volatile unsigned char *)(sp - 128);
	for (size_t i = 0; i < bytes; i++)
		capture->stack[i] = p[i];
}

static size_t copy_bytes = STACK_BYTES;
static volatile uint64_t stack_top; /* volatile: a handler reads it */
static volatile uint64_t other_top; /* of the stack that a handler interrupted */
static volatile size_t other_bytes; /* of it, in the copy */

/* As the tracer does it: what the kernel's frame says. */
__attribute__((no_sanitize("address"))) static void copy_other(void)
{
	uint64_t sp = sigframe_interrupted(capture->stack, capture->stack_len, capture->stack_base,
		capture->regs.r[DWREG_RSP]);

	capture->other_len = 0;
	capture->other_sp = sp;
	if (!sp || !other_bytes)
		return;
	capture->other_base = sp - 128;
	capture->other_len = other_top - (sp - 128);
	if (capture->other_len > other_bytes)
		capture->other_len = other_bytes;
	const volatile unsigned char *p = (const volatile unsigned char *)(sp - 128);
	for (size_t i = 0; i < capture->other_len; i++)
		capture->stack[capture->stack_len + i] = p[i];
}

__attribute__((noinline, no_sanitize("address"))) static void take(void)
{
	ucontext_t uc;

	getcontext(&uc);
	take_regs(&uc, &capture->regs);
	uint64_t sp = capture->regs.r[DWREG_RSP];
	size_t most = stack_top - (sp - 128);
	copy_stack(sp, copy_bytes < most ? copy_bytes : most);
	copy_other();
	truth[n_truth++] = (uint64_t)__builtin_return_address(0);
}

__attribute__((noinline)) static int chain(int level)
{
	int result = 0;

	if (level > 0)
		result = chain(level - 1) + 1;
	else
		take();
	truth[n_truth++] = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("" : "+r"(result));
	return result;
}

static void on_signal(int number)
{
	chain(3);
	truth[n_truth++] = (uint64_t)__builtin_return_address(0);
	__asm__ volatile("" : "+r"(number)); /* a call, not a jump */
}

/* --- modules and mappings of this process --------------------------------------------------- */

static uint32_t module_of(const char *path)
{
	static char known[64][256];
	static uint32_t n;

	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(known[i], path))
			return i + 1;
	assert_true(n < 64);
	snprintf(known[n], sizeof(known[n]), "%s", path);
	int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	assert_int_equal(modules_open(&modules, fd, n + 1, fd < 0 ? MODULE_NO_FILE : 0), 0);
	return ++n;
}

static int set_up(void **state)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], path[256], perms[8];
	unsigned long start, end, offset;

	(void)state;
	modules_init(&modules);
	rules = rules_new();
	maps = (struct maps){.generation = 1, .v = calloc(256, sizeof(struct mapping))};
	capture = calloc(1, sizeof(*capture) + 2 * STACK_BYTES);
	while (fgets(line, sizeof(line), f)) {
		path[0] = '\0';
		sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &start, &end, perms, &offset, path);
		if (!strcmp(path, "[stack]"))
			stack_top = end;
		if (perms[2] != 'x' || maps.n == 256)
			continue;
		maps.v[maps.n++] = (struct mapping){start, end, offset, module_of(path), 0};
	}
	fclose(f);
	return !rules || !capture;
}

static int tear_down(void **state)
{
	(void)state;
	rules_free(rules);
	modules_fini(&modules);
	free(maps.v);
	free(capture);
	return 0;
}

static void ignore_reading(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

static struct stack stack;

static uint64_t unwind_now(void)
{
	struct unwinder u = {.modules = &modules, .rules = rules, .reading = ignore_reading};
	uint64_t need;

	unwind_capture(&u, capture, &maps, &stack, &need);
	return need;
}

/* The address a frame stands for. */
static uint64_t address_of(const struct frame *f)
{
	for (uint32_t i = 0; i < maps.n; i++) {
		const struct mapping *m = &maps.v[i];
		if (m->module == f->module && f->offset - m->offset < m->end - m->start)
			return m->start + f->offset - m->offset;
	}
	return 0;
}

static void assert_truth(uint32_t from, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(address_of(&stack.v[from + i]), truth[first + i] - 1);
}

/* --- whole stacks --------------------------------------------------------------------------- */

static void chain_is_found(void **state)
{
	(void)state;
	n_truth = 0;
	capture->flags = CAPTURE_STOPPED;
	chain(LEVELS);
	uint64_t need = unwind_now();
	assert_int_equal(stack.end, STACK_DONE);
	assert_true(stack.n > LEVELS + 3);
	assert_int_equal(stack.v[0].flags, 0);
	assert_true(stack.v[1].flags & FRAME_RETURN);
	assert_truth(1, 0, LEVELS + 2);
	assert_true(need > 0 && need <= STACK_BYTES);
}

static void signal_frame_is_crossed(void **state)
{
	(void)state;
	n_truth = 0;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	unwind_now();
	assert_int_equal(stack.end, STACK_DONE);
	/* take, chain 4 times, on_signal, trampoline, then what the signal interrupted, exactly. */
	assert_truth(1, 0, 5);
	uint32_t interrupted = 0;
	for (uint32_t i = 0; i < stack.n; i++)
		if (stack.v[i].flags & FRAME_SIGNAL)
			interrupted = i;
	assert_int_equal(interrupted, 7);
	assert_false(stack.v[interrupted].flags & FRAME_RETURN);
	/* The trampoline is where the handler returns to, not before. */
	assert_int_equal(address_of(&stack.v[interrupted - 1]), truth[5]);
	assert_false(stack.v[interrupted - 1].flags & FRAME_RETURN);
	assert_true(stack.n > interrupted + 2);
}

static void short_copy_says_so(void **state)
{
	(void)state;
	n_truth = 0;
	copy_bytes = 128 + 256;
	chain(LEVELS);
	copy_bytes = STACK_BYTES;
	uint64_t need = unwind_now();
	assert_int_equal(stack.end, STACK_UNREADABLE);
	assert_true(stack.n < LEVELS);
	assert_true(need > 256);
	assert_truth(1, 0, stack.n - 1);
}

static char room[64 * 1024];

/* A handler on a stack of its own, with so much of its caller's in the copy. How much was needed.
 */
static uint64_t handle_on_alternate_stack(size_t other)
{
	stack_t alternate = {.ss_sp = room, .ss_size = sizeof(room)}, old;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	uint64_t top = stack_top;

	n_truth = 0;
	other_bytes = other;
	other_top = top;
	stack_top = (uint64_t)room + sizeof(room);
	sigaltstack(&alternate, &old);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigaltstack(&old, NULL);
	stack_top = top;
	other_bytes = 0;
	return unwind_now();
}

/* No larger copy of the handler's stack would have its caller's. */
static void far_stack_is_not_wanted(void **state)
{
	(void)state;
	uint64_t need = handle_on_alternate_stack(0);
	assert_int_equal(stack.end, STACK_UNREADABLE);
	assert_true(stack.v[stack.n - 1].flags & FRAME_SIGNAL);
	assert_true(need > 0 && need <= sizeof(room));
}

static void other_stack_is_followed(void **state)
{
	(void)state;
	handle_on_alternate_stack(STACK_BYTES);
	assert_int_equal(stack.end, STACK_DONE);
	assert_truth(1, 0, 5);
	assert_true(stack.v[7].flags & FRAME_SIGNAL);
	assert_true(stack.n > 9);
}

/* The want is of the stack that needs more. */
static void short_other_stack_is_wanted(void **state)
{
	(void)state;
	uint64_t need = handle_on_alternate_stack(128 + 64);
	assert_int_equal(stack.end, STACK_UNREADABLE);
	assert_false(stack.v[stack.n - 1].flags & FRAME_SIGNAL);
	assert_true(need > 3 * 64 && need < LIMIT_STACK_MAX);
}

/* --- captures that make no sense ------------------------------------------------------------ */

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13, x ^= x >> 7, x ^= x << 17;
	return x;
}

/* Words that lead somewhere: code, either stack, the ends of the address space. */
static uint64_t random_word(void)
{
	const struct mapping *map = &maps.v[random64() % maps.n];
	uint64_t some = random64() >> 20;

	switch (random64() % 5) {
	case 0:
		return map->start + some % (map->end - map->start);
	case 1:
		return capture->stack_base + some % (capture->stack_len + 64);
	case 2:
		return capture->other_base + some % (capture->other_len + 64);
	case 3:
		return -(some % 512);
	default:
		return random64() >> some % 64;
	}
}

static void spoil(const struct capture *whole, size_t size)
{
	memcpy(capture, whole, size);
	for (unsigned i = random64() % 6; i-- > 0;) {
		size_t at = random64() % (capture->stack_len + capture->other_len - 8);
		uint64_t word = random_word();
		memcpy(capture->stack + (at & ~7ul), &word, sizeof(word));
	}
	for (unsigned i = random64() % 3; i-- > 0;)
		capture->regs.r[random64() % REGS_COUNT] = random_word();
	if (random64() % 4 == 0)
		capture->other_sp = random_word();
	if (random64() % 4 == 0)
		capture->other_pc = random_word();
	if (random64() % 4 == 0)
		capture->other_base = random_word();
	if (random64() % 8 == 0)
		capture->other_len = random64() % (capture->other_len + 1);
}

/* The sanitizers look on. */
static void any_capture_ends(void **state)
{
	(void)state;
	handle_on_alternate_stack(STACK_BYTES);
	size_t size = sizeof(*capture) + capture->stack_len + capture->other_len;
	struct capture *whole = malloc(size), *roomy = capture;
	assert_non_null(whole);
	memcpy(whole, capture, size);
	capture = malloc(size);
	assert_non_null(capture);
	for (unsigned round = 0; round < 20000; round++) {
		spoil(whole, size);
		unwind_now();
		assert_true(stack.n <= LIMIT_FRAMES && stack.end < STACK_ENDS);
	}
	free(capture);
	capture = roomy;
	free(whole);
}

static void want_sinks_slowly(void **state)
{
	uint32_t want = want_next(0, 40000);

	(void)state;
	assert_int_equal(want, 60000);
	assert_int_equal(want_next(want, 80000), 120000);
	assert_int_equal(want_next(want, 1ull << 40), LIMIT_STACK_MAX);
	for (int i = 0; i < 100; i++)
		want = want_next(want, 4000);
	assert_in_range(want, 50000, 59000);
	for (int i = 0; i < 10000; i++)
		want = want_next(want, 4000);
	assert_in_range(want, 6000, 7100);
}

static void unknown_registers_are_not_used(void **state)
{
	(void)state;
	n_truth = 0;
	chain(LEVELS);
	capture->regs.known = 1u << DWREG_PC;
	unwind_now();
	assert_int_equal(stack.end, STACK_NO_REGISTER);
	assert_int_equal(stack.n, 1);
}

static void nowhere_is_no_module(void **state)
{
	(void)state;
	n_truth = 0;
	chain(LEVELS);
	capture->regs.r[DWREG_PC] = 8;
	unwind_now();
	assert_int_equal(stack.end, STACK_NO_MODULE);
	assert_int_equal(stack.n, 0);
}

/* A return address that leads to the same frame again and again. */
static void damaged_stack_ends(void **state)
{
	(void)state;
	n_truth = 0;
	chain(LEVELS);
	memset(capture->stack, 0x41, capture->stack_len);
	unwind_now();
	assert_int_not_equal(stack.end, STACK_DONE);
	assert_true(stack.n <= 2);
}

static void no_stack_is_not_read(void **state)
{
	(void)state;
	capture->flags = CAPTURE_NO_STACK;
	assert_int_equal(unwind_now(), 0);
	capture->flags = CAPTURE_STOPPED;
	assert_int_equal(stack.end, STACK_NOT_READ);
	assert_int_equal(stack.n, 0);
}

static void rules_are_cached(void **state)
{
	struct rules_figures before, after;

	(void)state;
	n_truth = 0;
	chain(LEVELS);
	unwind_now();
	rules_figures(rules, &before);
	unwind_now();
	rules_figures(rules, &after);
	assert_int_equal(after.compiled, before.compiled);
	assert_true(after.distinct <= after.compiled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_found),
		cmocka_unit_test(signal_frame_is_crossed),
		cmocka_unit_test(short_copy_says_so),
		cmocka_unit_test(far_stack_is_not_wanted),
		cmocka_unit_test(other_stack_is_followed),
		cmocka_unit_test(short_other_stack_is_wanted),
		cmocka_unit_test(any_capture_ends),
		cmocka_unit_test(want_sinks_slowly),
		cmocka_unit_test(unknown_registers_are_not_used),
		cmocka_unit_test(nowhere_is_no_module),
		cmocka_unit_test(damaged_stack_ends),
		cmocka_unit_test(no_stack_is_not_read),
		cmocka_unit_test(rules_are_cached),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
