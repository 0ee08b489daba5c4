/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/tracer/family: real processes that are forked here and wait for their end. Other programs
 * fork at the same time; they are members of nothing.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/family.h"

enum { MOST = 64 };

static pid_t members[MOST], found[MOST];
static int n_members, n_found;

static int has(const void *arg, pid_t pid)
{
	(void)arg;
	for (int i = 0; i < n_members; i++)
		if (members[i] == pid)
			return 1;
	return 0;
}

static void remember(void *arg, pid_t pid)
{
	(void)arg;
	assert_true(n_found < MOST && n_members < MOST);
	found[n_found++] = members[n_members++] = pid;
}

static int times_found(pid_t pid)
{
	int n = 0;

	for (int i = 0; i < n_found; i++)
		n += found[i] == pid;
	return n;
}

/* --- processes that wait until the test ends ------------------------------------------------- */

static int life[2];  /* its read end is at its end once the test's write end is closed */
static int words[2]; /* pids, and a byte from each thread */

static int begin(void **state)
{
	(void)state;
	n_members = n_found = 0;
	return pipe(life) || pipe(words);
}

static int end(void **state)
{
	(void)state;
	close(life[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(life[0]);
	close(words[0]);
	close(words[1]);
	return 0;
}

static void wait_for_the_end(void)
{
	char c;

	close(life[1]);
	_exit(read(life[0], &c, 1) != 0);
}

static void *idle(void *arg)
{
	char c = 'x';

	(void)arg;
	if (write(words[1], &c, 1) == 1)
		pause();
	return NULL;
}

static void tell_own_pid(void)
{
	pid_t own = getpid();

	if (write(words[1], &own, sizeof(own)) != sizeof(own))
		_exit(1);
}

/* In a child: so many generations of children more, then threads. Each process tells its pid. */
static void live(int depth, int children, int threads)
{
	int left = depth ? children : 0;

	close(life[1]);
	tell_own_pid();
	while (left-- > 0)
		if (!fork()) {
			tell_own_pid();
			left = --depth ? children : 0;
		}
	for (int i = 0; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, idle, NULL))
			_exit(1);
	}
	wait_for_the_end();
}

static int by_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* A process with that many descendants; their pids in all[], its own first. */
static void grow(pid_t *all, int n, int depth, int children)
{
	pid_t own = fork();

	if (!own)
		live(depth, children, 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(read(words[0], &all[i], sizeof(*all)), sizeof(*all));
	qsort(all, n, sizeof(*all), by_pid);
	for (int i = 0; i < n; i++)
		if (all[i] == own) {
			all[i] = all[0];
			all[0] = own;
		}
	assert_int_equal(all[0], own);
}

/* An id is given out a moment before its process is there, so it is looked for twice. */
static void look(struct family *f)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(family_of_new(f, has, remember, NULL), 0);
}

/* --- descendants ------------------------------------------------------------------------------ */

enum { CHILDREN = 3, ALL = 1 + CHILDREN + CHILDREN * CHILDREN };

static void new_descendants_are_found_once(void **state)
{
	struct family f = {0};
	pid_t first[ALL], other[ALL];

	(void)state;
	look(&f);
	assert_int_equal(n_found, 0);
	/* Its parent is a member: with all that descend from it, before or behind in the order. */
	grow(first, ALL, 2, CHILDREN);
	members[n_members++] = first[0];
	look(&f);
	assert_int_equal(n_found, ALL - 1);
	for (int i = 1; i < ALL; i++)
		assert_int_equal(times_found(first[i]), 1);
	/* The same of one that is no member. */
	grow(other, ALL, 2, CHILDREN);
	look(&f);
	look(&f);
	assert_int_equal(n_found, ALL - 1);
	family_fini(&f);
}

static void those_before_the_first_look_are_for_the_full_list(void **state)
{
	struct family f = {0};
	pid_t all[ALL], other[ALL];

	(void)state;
	grow(other, ALL, 2, CHILDREN);
	grow(all, ALL, 2, CHILDREN);
	members[n_members++] = all[0];
	look(&f);
	assert_int_equal(n_found, 0);
	assert_int_equal(family_of_all(has, remember, NULL), 0);
	assert_int_equal(n_found, ALL - 1);
	for (int i = 1; i < ALL; i++)
		assert_int_equal(times_found(all[i]), 1);
	assert_int_equal(family_of_all(has, remember, NULL), 0);
	look(&f);
	assert_int_equal(n_found, ALL - 1);
	family_fini(&f);
}

static pid_t late_member;

static void remember_late(void *arg, pid_t pid)
{
	remember(arg, pid);
	if (late_member)
		members[n_members++] = late_member;
	late_member = 0;
}

/* The first one's children were passed by when the second one's made it a member. */
static void a_member_that_comes_late_brings_its_children(void **state)
{
	pid_t first[1 + CHILDREN], second[1 + CHILDREN];

	(void)state;
	grow(first, 1 + CHILDREN, 1, CHILDREN);
	grow(second, 1 + CHILDREN, 1, CHILDREN);
	members[n_members++] = second[0];
	late_member = first[0];
	assert_int_equal(family_of_all(has, remember_late, NULL), 0);
	assert_int_equal(n_found, 2 * CHILDREN);
	for (int i = 1; i <= CHILDREN; i++)
		assert_int_equal(times_found(first[i]) * times_found(second[i]), 1);
}

/* Between two looks more ids are given out than are looked at one by one. */
static void a_flood_of_others_hides_nobody(void **state)
{
	struct family f = {0};
	pid_t all[1 + CHILDREN];

	(void)state;
	look(&f);
	grow(all, 1 + CHILDREN, 1, CHILDREN);
	members[n_members++] = all[0];
	for (int i = 0; i < 700; i++) {
		pid_t pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	look(&f);
	assert_int_equal(n_found, CHILDREN);
	for (int i = 1; i <= CHILDREN; i++)
		assert_int_equal(times_found(all[i]), 1);
	family_fini(&f);
}

/* A member's child with threads: each has an id and a folder, and the member as its parent. */
static void threads_are_no_processes(void **state)
{
	enum { THREADS = 5 };
	struct family f = {0};
	char bytes[THREADS];
	pid_t pid;

	(void)state;
	look(&f);
	members[n_members++] = getpid();
	pid_t child = fork();
	if (!child)
		live(0, 0, THREADS);
	assert_int_equal(read(words[0], &pid, sizeof(pid)), sizeof(pid));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(read(words[0], &bytes[i], 1), 1);
	look(&f);
	assert_int_equal(n_found, 1);
	assert_int_equal(times_found(child), 1);
	family_fini(&f);
}

/* --- names ------------------------------------------------------------------------------------ */

static pid_t called(const char *name)
{
	pid_t pid = fork(), own;

	if (!pid) {
		prctl(PR_SET_NAME, name);
		live(0, 0, 0);
	}
	assert_int_equal(read(words[0], &own, sizeof(own)), sizeof(own));
	assert_int_equal(own, pid);
	return pid;
}

static void search(const char *name)
{
	n_members = n_found = 0;
	family_of_name(name, remember, NULL);
}

static void a_name_finds_all_that_bear_it(void **state)
{
	char name[16], other[16], text[32];

	(void)state;
	snprintf(name, sizeof(name), "a) %d", getpid()); /* a name that looks like stat's end */
	snprintf(other, sizeof(other), "a) %dx", getpid());
	search(name);
	assert_int_equal(n_found, 0);
	pid_t a = called(name), b = called(name), c = called(other);
	search(name);
	assert_int_equal(n_found, 2);
	assert_int_equal(times_found(a) * times_found(b), 1);
	search(other);
	assert_int_equal(n_found, 1);
	assert_int_equal(times_found(c), 1);
	snprintf(text, sizeof(text), "a) %dxy", getpid());
	search(text);
	assert_int_equal(n_found, 0);
	search("");
	assert_int_equal(n_found, 0);
}

/* The kernel keeps 15 bytes; who knows the program's whole name need not know that. */
static void a_long_name_is_known_by_its_begin(void **state)
{
	char name[32];

	(void)state;
	snprintf(name, sizeof(name), "%09d-of-a-long-name", getpid());
	pid_t pid = called(name);
	search(name);
	assert_int_equal(n_found, 1);
	assert_int_equal(times_found(pid), 1);
	name[15] = '\0';
	search(name);
	assert_int_equal(n_found, 1);
	assert_int_equal(times_found(pid), 1);
	name[14] = '\0';
	search(name);
	assert_int_equal(n_found, 0);
}

/* One that has ended and is not waited for has a name still. */
static void the_dead_are_not_found(void **state)
{
	char name[16];

	(void)state;
	snprintf(name, sizeof(name), "dead %d", getpid());
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, name);
		_exit(0);
	}
	siginfo_t info;
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	search(name);
	assert_int_equal(n_found, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_descendants_are_found_once),
		TEST(those_before_the_first_look_are_for_the_full_list),
		TEST(a_member_that_comes_late_brings_its_children),
		TEST(a_flood_of_others_hides_nobody),
		TEST(threads_are_no_processes),
		TEST(a_name_finds_all_that_bear_it),
		TEST(a_long_name_is_known_by_its_begin),
		TEST(the_dead_are_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
