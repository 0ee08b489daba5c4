/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/goroutines: a process that keeps goroutines as Go's runtime does, and gives each
 * another stack without pause: no capture may be of two of them. And one whose memory makes no
 * sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/goroutines.h"

#define GOROUTINES 40u
#define WORDS	   256u

static const struct go_layout layout = {
	.m = 48,
	.sp = 56,
	.pc = 64,
	.bp = 96,
	.syscall_sp = 104,
	.syscall_pc = 112,
	.status = 144,
	.id = 152,
	.reason = 176,
	.turns = 191,
	.m_thread = 64,
	.m_current = 184,
};

/* Shared with the child, which has it at the same place. */
static struct memory {
	volatile uint64_t list[3]; /* runtime.allgs */
	uint64_t pointers[GOROUTINES];
	volatile unsigned char g[GOROUTINES][GO_STRUCT_MAX];
	volatile uint64_t stacks[GOROUTINES][WORDS];
} * memory;

static struct ring ring;
static struct tracer_stats stats;
static struct capturer capturer = {.ring = &ring, .stats = &stats};
static struct known_modules known;
static struct maps_line line = {0x1000, 0x2000, 0, 1, 1, 0, "program"};
static struct process process;
static struct thread thread;
static pid_t child;
static struct capture *popped;

static void put64(unsigned i, uint16_t at, uint64_t value)
{
	*(volatile uint64_t *)(memory->g[i] + at) = value;
}

static void set_status(unsigned i, uint32_t status)
{
	*(volatile uint32_t *)(memory->g[i] + layout.status) = status;
}

/* In a wait that has never been before: its number is all over its stack. A turn for each. */
static void wait_anew(unsigned i, uint64_t number)
{
	unsigned depth = 1 + number * 7 % (WORDS - 1);
	volatile uint64_t *high = memory->stacks[i] + WORDS;

	set_status(i, 2);
	memory->g[i][layout.turns]++;
	for (unsigned k = 1; k <= depth; k++)
		high[-(int)k] = number;
	put64(i, layout.sp, (uintptr_t)(high - depth));
	put64(i, layout.pc, number);
	set_status(i, number % 5 ? 4 : 1);
}

static void make_memory(void)
{
	memset(memory, 0, sizeof(*memory));
	for (unsigned i = 0; i < GOROUTINES; i++) {
		memory->pointers[i] = (uintptr_t)memory->g[i];
		put64(i, 0, (uintptr_t)memory->stacks[i]);
		put64(i, 8, (uintptr_t)(memory->stacks[i] + WORDS));
		put64(i, layout.id, 1000 + i);
		memory->g[i][layout.reason] = 7;
		wait_anew(i, i);
	}
	memory->list[0] = (uintptr_t)memory->pointers;
	memory->list[1] = memory->list[2] = GOROUTINES;
}

static void start_child(int is_busy)
{
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uint64_t number = GOROUTINES; is_busy; number++)
			wait_anew(number % 3 ? number % 4 : number % GOROUTINES, number);
		pause();
		_exit(0);
	}
	process.target.pid = thread.tid = child;
}

static int end_child(void **state)
{
	int status;

	(void)state;
	kill(child, SIGKILL);
	return waitpid(child, &status, 0) == child ? 0 : -1;
}

static int begin(void **state)
{
	struct tracer_go go = {.number = 1, .facts = {.code_offset = 0x10, .code_address = 0x1010}};
	int is_new;

	(void)state;
	memory = mmap(
		NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	popped = malloc(CAPTURE_MAX);
	if (memory == MAP_FAILED || !popped || ring_open(&ring) < 0)
		return -1;
	ring_produce(&ring);
	thread = (struct thread){.process = &process, .serial = 3};
	process.threads = (struct threads){.v = &thread, .n = 1};
	process.mappings = (struct mappings){.known = &known, .list = {&line, 1}};
	go.facts.list = (uintptr_t)memory->list;
	go.facts.layout = layout;
	go.facts.states[7] = 5;
	return known_modules_number(&known, &line, 0, &is_new) == 1
		       ? known_modules_set_go(&known, &go)
		       : -1;
}

static int end(void **state)
{
	(void)state;
	known_modules_fini(&known);
	ring_close(&ring);
	free(popped);
	return munmap(memory, sizeof(*memory));
}

/* Whether the capture is of one wait alone, or says that there is none. */
static void check_capture(void)
{
	const uint64_t *words = (const void *)popped->stack;
	uint64_t number = popped->regs.r[DWREG_PC];
	uint32_t state = number % 5 ? GO_WAITS + 5 : GO_RUNNABLE;

	assert_int_equal(popped->kinds, KIND(PROFILE_GOROUTINE));
	assert_in_range(popped->goroutine, 1000, 1000 + GOROUTINES - 1);
	if (popped->flags & CAPTURE_NO_STACK)
		return;
	assert_int_equal(popped->state, state);
	assert_int_equal(popped->stack_len, 8 * (1 + number * 7 % (WORDS - 1)));
	for (size_t i = 0; i < popped->stack_len / 8; i++)
		assert_int_equal(words[i], number);
}

/* How many of all; each once. */
static unsigned take(uint64_t *with_stack)
{
	uint64_t seen = 0;
	unsigned n = 0;

	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_NOTHING);
	while (ring_pop(&ring, popped, CAPTURE_MAX) > 0) {
		check_capture();
		n++;
		assert_false(seen >> (popped->goroutine - 1000) & 1);
		seen |= 1ull << (popped->goroutine - 1000);
		*with_stack += !(popped->flags & CAPTURE_NO_STACK);
	}
	return n;
}

static void no_capture_is_of_two_waits(void **state)
{
	uint64_t with_stack = 0;

	(void)state;
	make_memory();
	start_child(1);
	for (unsigned round = 0; round < 3000; round++)
		assert_int_equal(take(&with_stack), GOROUTINES);
	assert_true(with_stack > 3000 * GOROUTINES / 2);
}

static void the_dead_are_not_shown(void **state)
{
	uint64_t with_stack = 0;

	(void)state;
	make_memory();
	set_status(0, 6);
	set_status(1, 0);
	set_status(2, 11);
	memory->pointers[3] = 8; /* not there at all */
	set_status(4, 0x1004);	 /* the collector looks at it, too */
	start_child(0);
	assert_int_equal(take(&with_stack), GOROUTINES - 4);
	assert_int_equal(with_stack, GOROUTINES - 4);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	make_memory();
	start_child(0);
	memory->list[1] = GOROUTINES + 1; /* more than there is room for */
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	memory->list[1] = 0;
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	memory->list[1] = memory->list[2] = UINT64_MAX;
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	memory->list[1] = memory->list[2] = 1u << 30;
	memory->list[0] = 0x1000; /* no process has memory there */
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_MEMORY);
	make_memory();
	memory->list[0] += 4;
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	make_memory();
	for (unsigned i = 0; i < 8; i++)
		put64(i, layout.id, 0);
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	make_memory();
	for (unsigned i = 0; i < 8; i++)
		put64(i, 0, 8); /* larger than any stack */
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_SENSE);
	assert_int_equal(ring_pop(&ring, popped, CAPTURE_MAX), 0);
}

/* A forged one costs the others nothing. */
static void one_without_a_stack_is_shown(void **state)
{
	uint64_t with_stack = 0;

	(void)state;
	make_memory();
	put64(5, layout.sp, 16);
	put64(6, layout.sp, (uintptr_t)(memory->stacks[6] + WORDS));
	start_child(0);
	assert_int_equal(take(&with_stack), GOROUTINES);
	assert_int_equal(with_stack, GOROUTINES - 2);
}

static void what_nobody_told_of_is_unknown(void **state)
{
	struct process other = process;

	(void)state;
	make_memory();
	start_child(0);
	line.offset = 0x100000; /* another part of the file */
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_UNKNOWN);
	line.offset = 0;
	other.mappings.list.n = 0;
	assert_int_equal(goroutines_snapshot(&capturer, &other), GO_LACK_UNKNOWN);
	known.v[0].go->lack = GO_LACK_LAYOUT;
	assert_int_equal(goroutines_snapshot(&capturer, &process), GO_LACK_LAYOUT);
	known.v[0].go->lack = GO_LACK_NOTHING;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_capture_is_of_two_waits, end_child),
		cmocka_unit_test_teardown(the_dead_are_not_shown, end_child),
		cmocka_unit_test_teardown(what_makes_no_sense_is_refused, end_child),
		cmocka_unit_test_teardown(one_without_a_stack_is_shown, end_child),
		cmocka_unit_test_teardown(what_nobody_told_of_is_unknown, end_child),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
