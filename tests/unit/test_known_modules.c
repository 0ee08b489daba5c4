/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/known_modules: what is one module and what are two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/known_modules.h"
#include "base/limits.h"

static struct known_modules k;
static int is_new;

static int begin(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	return 0;
}

static int end(void **state)
{
	(void)state;
	known_modules_fini(&k);
	return 0;
}

static uint32_t number(uint64_t dev, uint64_t ino, const char *path, uint32_t process)
{
	static char copy[256]; /* what was told is not kept by its address */
	struct maps_line line = {.dev = dev, .ino = ino, .path = copy};

	snprintf(copy, sizeof(copy), "%s", path);
	is_new = 77;
	uint32_t n = known_modules_number(&k, &line, process, &is_new);
	memset(copy, 'x', sizeof(copy) - 1);
	return n;
}

static void assert_new(uint32_t got, uint32_t n)
{
	assert_int_equal(got, n);
	assert_int_equal(is_new, 1);
}

static void assert_known(uint32_t got, uint32_t n)
{
	assert_int_equal(got, n);
	assert_int_equal(is_new, 0);
}

static void a_file_is_one_in_all_processes(void **state)
{
	(void)state;
	assert_new(number(8, 100, "/lib/libc.so.6", 0), 1);
	assert_known(number(8, 100, "/lib/libc.so.6", 0), 1);
	assert_known(number(8, 100, "/lib/libc.so.6", 1), 1);
	assert_known(number(8, 100, "/lib/libc.so.6", UINT32_MAX), 1);
	/* Any of the three makes another file of it. */
	assert_new(number(9, 100, "/lib/libc.so.6", 0), 2);
	assert_new(number(8, 101, "/lib/libc.so.6", 0), 3);
	assert_new(number(8, 100, "/lib/libc.so.6 (deleted)", 0), 4);
	assert_known(number(8, 100, "/lib/libc.so.6", 2), 1);
}

static void the_kernels_image_is_one(void **state)
{
	(void)state;
	struct maps_line line = {.path = "[vdso]"};
	assert_true(known_modules_is_vdso(&line));
	line.ino = 5; /* a file of that name */
	assert_false(known_modules_is_vdso(&line));
	line = (struct maps_line){.path = "[vsyscall]"};
	assert_false(known_modules_is_vdso(&line));
	assert_new(number(0, 0, "[vdso]", 3), 1);
	assert_known(number(0, 0, "[vdso]", 4), 1);
	assert_known(number(0, 0, "[vdso]", 0), 1);
	assert_new(number(8, 5, "[vdso]", 3), 2);
}

static void memory_is_one_per_process_and_name(void **state)
{
	(void)state;
	static const char *const names[] = {"", "[heap]", "[anon:jit]", "[stack]"};
	for (uint32_t p = 0; p < 5; p++)
		for (uint32_t i = 0; i < 4; i++)
			assert_new(number(0, 0, names[i], p), 1 + 4 * p + i);
	for (uint32_t p = 0; p < 5; p++)
		for (uint32_t i = 0; i < 4; i++)
			assert_known(number(0, 0, names[i], p), 1 + 4 * p + i);
}

static void where_code_may_be_made(void **state)
{
	static const struct {
		const char *path;
		uint64_t ino;
		int has_no_file, is_jit;
	} cases[] = {
		{"", 0, 1, 1},
		{"[anon:v8]", 0, 1, 1},
		{"/dev/zero (deleted)", 77, 1, 1},
		{"[vsyscall]", 0, 1, 0},
		{"[vdso]", 0, 0, 0},
		{"/lib/libc.so.6", 78, 0, 0},
		{"/dev/zero", 79, 0, 0},
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct maps_line line = {
			.path = (char *)cases[i].path, .dev = 1, .ino = cases[i].ino};
		assert_int_equal(known_modules_has_no_file(&line), cases[i].has_no_file);
		assert_new(number(1, cases[i].ino, cases[i].path, 5), i + 1);
		assert_int_equal(k.v[i].is_jit, cases[i].is_jit);
		assert_int_equal(k.v[i].process, cases[i].has_no_file ? 5 : 0);
	}
}

/* Past the ceiling none is new, and those that are known stay what they are. */
static void there_is_a_ceiling(void **state)
{
	(void)state;
	char path[32];
	for (uint32_t i = 0; i < LIMIT_MODULES; i++) {
		snprintf(path, sizeof(path), "/m%u", i);
		assert_new(number(8, i + 1, path, 0), i + 1);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_known(number(8, LIMIT_MODULES + 1, "/more", i), 0);
	assert_known(number(0, 0, "", 1), 0);
	assert_int_equal(k.n, LIMIT_MODULES);
	for (uint32_t i = 0; i < LIMIT_MODULES; i++) {
		snprintf(path, sizeof(path), "/m%u", i);
		assert_known(number(8, i + 1, path, 9), i + 1);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_one_in_all_processes),
		TEST(the_kernels_image_is_one),
		TEST(memory_is_one_per_process_and_name),
		TEST(where_code_may_be_made),
		TEST(there_is_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
