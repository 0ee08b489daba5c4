/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/debug_places: where a module's other files are looked for. Names are hostile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/debug_places.h"

static struct debug_question question;
static char said[32 * 1024];

/* All places: T for the target's file system, H for ours. */
static const char *places(uint32_t kind, const char *name, const char *folder, const char *path)
{
	char strings[3 * LIMIT_PATH];
	struct extra_file file = {.kind = kind,
		.name_len = strlen(name),
		.folder_len = strlen(folder),
		.path_len = strlen(path)};
	struct debug_place place;
	size_t used = 0;
	int n = snprintf(strings, sizeof(strings), "%s%s%s", name, folder, path), error;

	file.build_id_len = question.file.build_id_len;
	memcpy(file.build_id, "\xab\xcd\xef", 3);
	assert_int_equal(debug_question_take(&question, &file, strings, n), 0);
	said[0] = '\0';
	for (uint32_t i = 0; (error = debug_place(&question, i, &place)) != -ENOENT; i++) {
		assert_true(i < 16);
		if (!error)
			used += snprintf(said + used, sizeof(said) - used, "%c %s\n",
				place.in_host ? 'H' : 'T', place.path);
	}
	return said;
}

static void by_id_then_by_name(void **state)
{
	(void)state;
	question.file.build_id_len = 3;
	assert_string_equal(places(EXTRA_DEBUG, "a.debug", "", "/usr/bin/a"),
		"T /usr/lib/debug/.build-id/ab/cdef.debug\n"
		"H /usr/lib/debug/.build-id/ab/cdef.debug\n"
		"T /usr/bin/a.debug\n"
		"T /usr/bin/.debug/a.debug\n"
		"T /usr/lib/debug/usr/bin/a.debug\n"
		"H /usr/lib/debug/usr/bin/a.debug\n"
		"T /usr/lib/debug/bin/a.debug\n"
		"H /usr/lib/debug/bin/a.debug\n");
	question.file.build_id_len = 0;
	assert_string_equal(places(EXTRA_DEBUG, "a.debug", "", "/lib/x/a.so"),
		"T /lib/x/a.debug\n"
		"T /lib/x/.debug/a.debug\n"
		"T /usr/lib/debug/lib/x/a.debug\n"
		"H /usr/lib/debug/lib/x/a.debug\n"
		"T /usr/lib/debug/usr/lib/x/a.debug\n"
		"H /usr/lib/debug/usr/lib/x/a.debug\n");
	/* No other spelling. */
	assert_null(strstr(places(EXTRA_DEBUG, "a.debug", "", "/opt/a"), "usr/opt"));
}

static void a_link_is_a_name_only(void **state)
{
	(void)state;
	question.file.build_id_len = 0;
	assert_string_equal(places(EXTRA_DEBUG, "../../etc/shadow", "", "/usr/bin/a"), "");
	assert_string_equal(places(EXTRA_DEBUG, "/etc/shadow", "", "/usr/bin/a"), "");
	assert_string_equal(places(EXTRA_DEBUG, "..", "", "/usr/bin/a"), "");
	assert_string_equal(places(EXTRA_DEBUG, "", "", "/usr/bin/a"), "");
	assert_string_equal(places(EXTRA_DEBUG, "a.debug", "", "[vdso]"), "");
}

static void dwz_relative_and_absolute(void **state)
{
	(void)state;
	question.file.build_id_len = 0;
	assert_string_equal(
		places(EXTRA_ALT, "../../.dwz/x/y", "", "/usr/lib/debug/usr/bin/a.debug"),
		"T /usr/lib/debug/usr/bin/../../.dwz/x/y\n"
		"H /usr/lib/debug/usr/bin/../../.dwz/x/y\n"
		"T /usr/lib/debug/.dwz/x/y\n"
		"H /usr/lib/debug/.dwz/x/y\n");
	assert_string_equal(places(EXTRA_ALT, "/some/y", "", "/bin/a"),
		"T /some/y\nH /some/y\n"
		"T /usr/lib/debug/.dwz/y\nH /usr/lib/debug/.dwz/y\n");
}

static void split_files(void **state)
{
	(void)state;
	assert_string_equal(places(EXTRA_PACKAGE, "", "", "/d/a.debug"),
		"T /d/a.debug.dwp\nH /d/a.debug.dwp\n"
		"T /d/a.dwp\nH /d/a.dwp\n");
	assert_string_equal(places(EXTRA_SPLIT, "o/x.dwo", "/build", "/bin/a"),
		"T /build/o/x.dwo\nT /bin/o/x.dwo\nT /bin/x.dwo\n");
	assert_string_equal(
		places(EXTRA_SPLIT, "/o/x.dwo", "/build", "/bin/a"), "T /o/x.dwo\nT /bin/x.dwo\n");
}

static void what_is_no_question(void **state)
{
	struct extra_file file = {.name_len = 3};

	(void)state;
	assert_int_equal(debug_question_take(&question, &file, "ab", 2), -EPROTO);
	assert_int_equal(debug_question_take(&question, &file, "abcd", 4), -EPROTO);
	assert_int_equal(debug_question_take(&question, &file, "a\0c", 3), -EPROTO);
	file.name_len = LIMIT_PATH;
	assert_int_equal(debug_question_take(&question, &file, said, LIMIT_PATH), -EPROTO);
	file = (struct extra_file){.build_id_len = 33};
	assert_int_equal(debug_question_take(&question, &file, "", 0), -EPROTO);
}

static void names_as_long_as_can_be(void **state)
{
	static char name[LIMIT_PATH], path[LIMIT_PATH];

	(void)state;
	question.file.build_id_len = 0;
	memset(name, 'n', sizeof(name) - 1);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[LIMIT_PATH - 2] = '/';
	places(EXTRA_DEBUG, name, "", path);
	places(EXTRA_SPLIT, name, path, path);
	places(EXTRA_PACKAGE, "", "", path);
	memcpy(path, "/lib/", 5);
	places(EXTRA_DEBUG, name, "", path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_id_then_by_name),
		cmocka_unit_test(a_link_is_a_name_only),
		cmocka_unit_test(dwz_relative_and_absolute),
		cmocka_unit_test(split_files),
		cmocka_unit_test(what_is_no_question),
		cmocka_unit_test(names_as_long_as_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
