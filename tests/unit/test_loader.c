/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/loader: which argument of a dynamic loader is the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/loader.h"

static void loaders_by_name(void **state)
{
	(void)state;
	assert_true(loader_is("/lib64/ld-linux-x86-64.so.2"));
	assert_true(loader_is("/lib/ld-musl-x86_64.so.1"));
	assert_true(loader_is("/usr/lib/x86_64-linux-gnu/ld-2.31.so"));
	assert_true(loader_is("ld.so"));
	assert_false(loader_is("/usr/bin/ld"));
	assert_false(loader_is("/opt/ld-linux/bin/app"));
	assert_false(loader_is(""));
}

/* An exact copy on the heap, so that a sanitizer sees a read past its end. */
static void expect(const char *cmdline, size_t n, const char *program)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, cmdline, n);
	const char *found = loader_program(copy, n);
	if (program)
		assert_string_equal(found, program);
	else
		assert_null(found);
	free(copy);
}

#define EXPECT(text, program) expect(text, sizeof(text), program)

static void the_first_word_that_is_no_option(void **state)
{
	(void)state;
	EXPECT("ld.so\0./app\0-x\0y", "./app");
	EXPECT("ld.so\0--library-path\0/l\0--list\0/bin/app", "/bin/app");
	EXPECT("ld.so\0--preload\0/lib/a.so\0--argv0\0name\0app", "app");
	EXPECT("ld.so\0--inhibit-cache\0app", "app");
	EXPECT("ld.so", NULL);
	EXPECT("ld.so\0--help", NULL);
	EXPECT("ld.so\0--argv0", NULL);
	EXPECT("ld.so\0--argv0\0name", NULL);
	expect("", 0, NULL);
	expect("ld.so\0app", 9, NULL); /* cut off */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaders_by_name),
		cmocka_unit_test(the_first_word_that_is_no_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
