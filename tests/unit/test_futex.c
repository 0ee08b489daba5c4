/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/waits: memory of ours as if it were a target's, that means to mislead. */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/waits.h"

static struct process self;
static struct thread self_threads[1];
static pid_t dead; /* a thread's id that is none any more */

static void *be_brief(void *unused)
{
	__atomic_store_n(&dead, gettid(), __ATOMIC_RELAXED);
	return unused;
}

static int begin_self(void **state)
{
	pthread_t thread;

	(void)state;
	self_threads[0] = (struct thread){.process = &self, .tid = getpid()};
	self = (struct process){
		.target = {.pid = getpid(), .proc = open("/proc/self", O_RDONLY | O_DIRECTORY)},
		.threads = {.target = &self.target, .v = self_threads, .n = 1}};
	return pthread_create(&thread, NULL, be_brief, NULL) || pthread_join(thread, NULL) ||
	       self.target.proc < 0;
}

static int end_self(void **state)
{
	(void)state;
	tids_fini(&self.tids);
	return close(self.target.proc);
}

static struct wait wait_on(const void *futex, uint32_t op, uint32_t expected)
{
	struct call_now call = {.nr = SYS_futex, .args = {(uintptr_t)futex, op, expected}};
	struct wait w;

	waits_find(&self, &call, &w);
	return w;
}

static _Alignas(16) uint32_t words[64];
static uint32_t *const at = words + 32;

static void set(int from, int n, const uint32_t *values)
{
	memset(words, 0, sizeof(words));
	memcpy(at + from, values, n * sizeof(*values));
}
#define SET(from, ...)                                                                             \
	set(from, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (const uint32_t[]){__VA_ARGS__})

static void who_died_holds_nothing(void **state)
{
	uint32_t us = getpid();
	struct wait w;

	(void)state;
	SET(0, 2, 0, us, 1, 0);
	w = wait_on(at, 128, 2);
	assert_true(w.kind == WAIT_MUTEX && w.holder == (int)us && !w.flags);
	SET(0, 2, 0, dead, 1, 0);
	w = wait_on(at, 128, 2);
	/* Or no mutex at all. */
	assert_true(w.kind == WAIT_FUTEX && !w.holder && w.flags == WAIT_HOLDER_GONE);
	/* robust: its holder has died; the priority inheriting one */
	SET(0, 0x40000000, 0, us, 1, 0x90, 0, 8, 0, 8, 0);
	w = wait_on(at, 0, 0x80000000 | us);
	assert_true(w.kind == WAIT_MUTEX && !w.holder && w.flags == WAIT_HOLDER_GONE);
	SET(0, 0xc0000000 | us);
	w = wait_on(at, FUTEX_LOCK_PI | 128, 0);
	assert_true(w.kind == WAIT_MUTEX && w.flags == WAIT_HOLDER_GONE);
	SET(0, 0x80000000 | us);
	w = wait_on(at, FUTEX_LOCK_PI | 128, 0);
	assert_true(w.kind == WAIT_MUTEX && w.holder == (int)us && !w.flags);
	/* musl's, whose word is the second of the mutex */
	SET(0, 1, 0x80000000 | us, 1);
	w = wait_on(at + 1, 128, 0x80000000 | us);
	assert_true(w.kind == WAIT_MUTEX && w.holder == (int)us && w.lock == (uintptr_t)at);
	/* InnoDB's, whose readers are counted where musl has its holder */
	SET(0, 1, 0x80000000 | dead, 41201);
	w = wait_on(at + 1, 128, 0x80000000 | dead);
	assert_true(w.kind == WAIT_FUTEX && !w.holder);
}

/* glibc 2.41's is shorter by a word of references for each group. */
static void conditions_of_both_layouts(void **state)
{
	struct wait w;

	(void)state;
	/* come 3 (one bit for the group), begin 1; references; sizes, what the older was; waiters
	 */
	SET(0, 6, 0, 2, 0, 2, 0, 1, 0, 0, 8, 0, 0);
	w = wait_on(at + 10, 128 | FUTEX_WAIT_BITSET, 0);
	assert_true(w.kind == WAIT_COND && w.lock == (uintptr_t)at);
	SET(0, 7, 0, 2, 0, 0, 2, 1, 0, 0, 8, 0, 0);
	w = wait_on(at + 11, 128 | FUTEX_WAIT_BITSET, 0);
	assert_true(w.kind == WAIT_COND && w.lock == (uintptr_t)at);
	SET(0, 2, 0, 0, 0, 0, 0, 0, 8, 0, 0);
	w = wait_on(at + 8, 128 | FUTEX_WAIT_BITSET, 0);
	assert_true(w.kind == WAIT_COND && w.lock == (uintptr_t)at);
	SET(0, 10, 0, 6, 0, 1, 0, 4, 8, 6, 6);
	w = wait_on(at + 9, 128 | FUTEX_WAIT_BITSET, 6);
	assert_true(w.kind == WAIT_COND && w.lock == (uintptr_t)at);
}

/* Small numbers around a futex are not ids of threads: one in a namespace of its own has id 1. */
static void what_only_looks_like_a_mutex(void **state)
{
	uint32_t us = getpid();

	(void)state;
	static const struct {
		uint32_t count, users, kind, list;
	} cases[] = {
		{0, 0, 0, 0},	    /* malloc's lock of an arena: nobody uses it */
		{0, 1, 0x400, 0},   /* no such kind */
		{0, 1, 0, 1},	    /* in a list, and not robust */
		{1, 1, 0, 0},	    /* taken twice, and not recursive */
		{0, 1u << 30, 0, 0} /* by too many */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		SET(0, 2, cases[i].count, us, cases[i].users, cases[i].kind, 0, cases[i].list);
		struct wait w = wait_on(at, 128, 2);
		assert_true(w.kind == WAIT_FUTEX && !w.holder && !w.flags);
		assert_true(w.lock == (uintptr_t)at);
	}
}

static int is_thread(pid_t tid, int is_private)
{
	char path[32];

	snprintf(path, sizeof(path), is_private ? "/proc/self/task/%d" : "/proc/%d", tid);
	return access(path, F_OK) == 0;
}

/* Numbers that locks are made of, in any order. */
static uint32_t pick(uint32_t us)
{
	uintptr_t here = (uintptr_t)words, tcb = (uintptr_t)pthread_self();
	const uint32_t values[] = {0, 0, 0, 1, 2, 3, 8, 16, us, dead, us | 0x80000000,
		us | 0x40000000, dead | 0x80000000, 0xffffffff, here, here >> 32, tcb, tcb >> 32,
		1000000000, 5000000, rand()};

	return values[rand() % (sizeof(values) / sizeof(*values))];
}

static void no_words_mislead(void **state)
{
	static const uint32_t ops[] = {0, 128, 9, 128 | 9, 6, 128 | 6, 128 | 13, 128 | 9 | 256, 11};
	uint32_t us = getpid();
	int kinds[WAIT_KINDS] = {0}, holders = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		/* Some of the words change at a time, so that whole shapes come about. */
		for (int n = rand() % 8; n >= 0; n--)
			words[rand() % 64] = i % 64 ? pick(us) : 0;
		uint32_t op = ops[rand() % (sizeof(ops) / sizeof(*ops))];
		const uint32_t *futex = words + 16 + rand() % 32;
		struct wait w = wait_on(futex, op, rand() % 2 ? *futex : pick(us));
		assert_true(w.kind >= WAIT_FUTEX && w.kind < WAIT_KINDS);
		assert_true(!w.holder || is_thread(w.holder, op & FUTEX_PRIVATE_FLAG));
		assert_true(!(w.holder && (w.flags & WAIT_READERS)));
		kinds[w.kind]++;
		holders += !!w.holder;
	}
	assert_true(kinds[WAIT_MUTEX] && kinds[WAIT_FUTEX] && holders);
}

static void memory_that_ends(void **state)
{
	char *page =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t us = getpid();
	struct wait w;

	(void)state;
	assert_true(page != MAP_FAILED);
	munmap(page, 4096);
	munmap(page + 2 * 4096, 4096);
	uint32_t *first = (uint32_t *)(page + 4096), *last = first + 1023;
	memcpy(first, (uint32_t[]){2, 0, us, 1, 0}, 20);
	w = wait_on(first, 128, 2);
	assert_true(w.kind == WAIT_MUTEX && w.holder == (int)us);
	memcpy(last - 2, (uint32_t[]){2, 0, us}, 12);
	static const uintptr_t nowhere[] = {
		0, 1, 2, 4, 0x7fffffffffff, UINTPTR_MAX, UINTPTR_MAX - 3};
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		w = wait_on((void *)nowhere[i], 128, 2);
		assert_true(w.kind == WAIT_FUTEX && !w.holder && w.lock == nowhere[i]);
	}
	for (int i = 0; i < 4; i++) {
		w = wait_on(last - i, 128, 2);
		assert_true(w.kind == WAIT_FUTEX && !w.holder);
	}
	struct call_now call = {.nr = 449, .args = {1}};
	waits_find(&self, &call, &w);
	assert_true(w.kind == WAIT_FUTEX && !w.lock);
	call = (struct call_now){.nr = SYS_flock, .args = {UINT64_MAX}};
	waits_find(&self, &call, &w);
	assert_true(w.kind == WAIT_FILE_LOCK && !w.holder);
	munmap(first, 4096);
}

/* After a signal: the kernel says restart_syscall, and the arguments are those of any call. */
static void calls_that_begin_again(void **state)
{
	struct call_now call = {.nr = SYS_restart_syscall};
	uint32_t us = getpid();
	struct wait w;

	(void)state;
	SET(0, 2, 0, us, 1, 0);
	memcpy(call.args, (uint64_t[]){(uintptr_t)at, 128 | FUTEX_WAIT_BITSET, 2, 8}, 32);
	waits_find(&self, &call, &w);
	assert_true(w.kind == WAIT_MUTEX && w.holder == (int)us);
	call.args[2] = 3; /* poll(fds, 137, 3) */
	waits_find(&self, &call, &w);
	assert_int_equal(w.kind, WAIT_IDLE);
	call = (struct call_now){.nr = -1};
	waits_find(&self, &call, &w);
	assert_true(w.kind == WAIT_NONE && w.call == -1);
}

int main(void)
{
	const struct CMUnitTest memory[] = {
		cmocka_unit_test(who_died_holds_nothing),
		cmocka_unit_test(conditions_of_both_layouts),
		cmocka_unit_test(what_only_looks_like_a_mutex),
		cmocka_unit_test(no_words_mislead),
		cmocka_unit_test(memory_that_ends),
		cmocka_unit_test(calls_that_begin_again),
	};

	return cmocka_run_group_tests(memory, begin_self, end_self);
}
