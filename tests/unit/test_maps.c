/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/maps: the text of /proc/PID/maps, whose paths the target chooses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "agent/probe/place.h"
#include "agent/tracer/maps.h"
#include "base/limits.h"

/* The parser sees an exact copy on the heap, so that a sanitizer sees a read past its end. */
static int parse_n(const char *text, size_t n, struct maps_list *out)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(out, 0x55, sizeof(*out));
	int result = maps_parse(copy, n, out);
	free(copy);
	return result;
}

static int parse(const char *text, struct maps_list *out)
{
	return parse_n(text, strlen(text), out);
}

static void refused(const char *text)
{
	struct maps_list list;

	assert_int_equal(parse(text, &list), -EINVAL);
	assert_int_equal(list.n, 0);
	assert_null(list.v);
}

static void a_process_is_read(void **state)
{
	(void)state;
	struct maps_list l;
	assert_int_equal(
		parse("55d76c01b000-55d76c01c000 r--p 00000000 fe:01 998                    "
		      "    /usr/bin/cat\n"
		      "55d76c01c000-55d76c01e000 r-xp 00001000 fe:01 998                    "
		      "    /usr/bin/cat\n"
		      "55d76c01f000-55d76c020000 rw-p 00003000 fe:01 998                    "
		      "    /usr/bin/cat\n"
		      "7eff00000000-7eff00001000 rwxp 00000000 00:00 0 \n"
		      "7eff00001000-7eff00002000 --xs 7ffffffff000 103:0a 4294967298 /a\n"
		      "7fff00000000-7fff00002000 r-xp 00000000 00:00 0                      "
		      "    [vdso]\n"
		      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0              "
		      "    [vsyscall]\n",
			&l),
		0);
	assert_int_equal(l.n, 5);
	assert_true(l.v[0].start == 0x55d76c01c000 && l.v[0].end == 0x55d76c01e000);
	assert_int_equal(l.v[0].offset, 0x1000);
	assert_true(l.v[0].dev == makedev(0xfe, 1));
	assert_int_equal(l.v[0].ino, 998);
	assert_string_equal(l.v[0].path, "/usr/bin/cat");
	assert_int_equal(l.v[1].dev, 0);
	assert_int_equal(l.v[1].ino, 0);
	assert_string_equal(l.v[1].path, "");
	assert_true(l.v[2].offset == 0x7ffffffff000);
	assert_true(l.v[2].dev == makedev(0x103, 0xa));
	assert_true(l.v[2].ino == 4294967298);
	assert_string_equal(l.v[2].path, "/a");
	assert_string_equal(l.v[3].path, "[vdso]");
	assert_true(l.v[4].start == 0xffffffffff600000 && l.v[4].end == 0xffffffffff601000);
	maps_free(&l);
	assert_null(l.v);
	assert_int_equal(l.n, 0);
}

static void only_the_third_letter_makes_it_executable(void **state)
{
	(void)state;
	struct maps_list l;
	assert_int_equal(parse("1000-2000 rw-p 0 00:00 0 r-xp\n"
			       "2000-3000 r--x 0 00:00 0 x\n"
			       "3000-4000 --xp 0 00:00 0 yes\n"
			       "4000-5000 ---s 0 00:00 0 /x/r-xp\n",
				 &l),
		0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].path, "yes");
	maps_free(&l);
}

static void paths_come_as_they_are(void **state)
{
	(void)state;
	static const struct {
		const char *text, *path;
	} paths[] = {
		{"/lib/a.so (deleted)", "/lib/a.so (deleted)"},
		{"/lib/a.so (deleted) (deleted)", "/lib/a.so (deleted) (deleted)"},
		{"/a\\012b", "/a\nb"},
		{"\\012\\012", "\n\n"},
		{"/x\\0121000-2000 r-xp 0 00:00 0 /y", "/x\n1000-2000 r-xp 0 00:00 0 /y"},
		{"/end\\", "/end\\"},
		{"/end\\0", "/end\\0"},
		{"/end\\01", "/end\\01"},
		{"/a\\019b", "/a\\019b"},
		{"/a\\x0a", "/a\\x0a"},
		{"/a b  c ", "/a b  c "},
		{"/\xff\xfe\x1b[2J\t\r", "/\xff\xfe\x1b[2J\t\r"},
		{"[heap]", "[heap]"},
		{"[anon:]evil", "[anon:]evil"},
		{"/memfd:x (deleted)", "/memfd:x (deleted)"},
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char text[256];
		struct maps_list l;
		snprintf(text, sizeof(text), "1000-2000 r-xp 00000000 08:01 7    %s%s",
			paths[i].text, i % 2 ? "\n" : "");
		assert_int_equal(parse(text, &l), 0);
		assert_int_equal(l.n, 1);
		assert_string_equal(l.v[0].path, paths[i].path);
		assert_int_equal(l.v[0].ino, 7);
		maps_free(&l);
	}
}

static void a_path_of_any_length_is_kept_whole(void **state)
{
	(void)state;
	const char head[] = "1000-2000 r-xp 00000000 08:01 7 /";
	size_t n = 100000, begin = strlen(head);
	char *text = malloc(begin + n);
	struct maps_list l;
	assert_non_null(text);
	memcpy(text, head, begin);
	memset(text + begin, 'a', n);
	assert_int_equal(parse_n(text, begin + n, &l), 0);
	assert_int_equal(strlen(l.v[0].path), n + 1);
	maps_free(&l);
	free(text);
}

static void what_is_not_maps_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\n", " \n", "1000-2000", "1000-2000 ", "1000-2000 r-xp", "1000-2000 r-xp ",
		"1000-2000 r-x 00000000 08:01 7 /a", "1000-2000 r-xpp 00000000 08:01 7 /a",
		"1000 2000 r-xp 00000000 08:01 7 /a", "-2000 r-xp 00000000 08:01 7 /a",
		"1000- r-xp 00000000 08:01 7 /a", "1000-2000 r-xp  08:01 7 /a",
		"1000-2000 r-xp 00000000 0801 7 /a", "1000-2000 r-xp 00000000 :01 7 /a",
		"1000-2000 r-xp 00000000 08: 7 /a", "1000-2000 r-xp 00000000 08:01",
		"1G00-2000 r-xp 00000000 08:01 7 /a", "0x1000-0x2000 r-xp 00000000 08:01 7 /a",
		"1000-2000 r-xp -1 08:01 7 /a",
		"2000-1000 r-xp 00000000 08:01 7 /a", /* backwards */
		"1000-1000 r-xp 00000000 08:01 7 /a", /* empty */
		"1000-2000 r-xp 00000000 08:01 7 /a\n\n3000-4000 r-xp 00000000 08:01 7 /a\n",
		"1000-2000 r-xp 00000000 08:01 7 /a\nrest of a path\n",
		"1000-2000 r-xp 00000000 08:01 7 /a\n3000-4000 rw-p\n", /* also where not x */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(bad[i]);
	struct maps_list l;
	assert_int_equal(parse_n("1000-2000\0r-xp 0 00:00 0 ", 25, &l), -EINVAL);
	assert_int_equal(parse("", &l), 0);
	assert_int_equal(l.n, 0);
}

/* A space that changes while its text is read. */
static void what_was_told_before_counts(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		uint64_t start, end, offset; /* of the last one */
	} cases[] = {
		/* it has grown, */
		{"1000-2000 r-xp 0 08:01 7 /a\n1000-4000 r-xp 0 08:01 7 /a\n", 2, 0x2000, 0x4000,
			0x1000},
		{"1000-2000 rw-p 0 0:0 0 \n1800-3000 r-xp 500 08:01 7 /a\n", 1, 0x2000, 0x3000,
			0xd00},
		{"1000-3000 r-xp 0 08:01 7 /a\n2000-4000 rw-p 0 0:0 0 \n", 1, 0x1000, 0x3000, 0},
		/* or is another's place, of which all was told */
		{"1000-3000 rw-p 0 0:0 0 \n2000-3000 r-xp 0 08:01 7 /a\n", 0, 0, 0, 0},
		{"5000-6000 r-xp 0 08:01 7 /a\n1000-2000 r-xp 0 08:01 7 /b\n"
		 "5800-6800 r-xp 0 08:01 7 /c\n",
			2, 0x6000, 0x6800, 0x800},
		{"1000-2000 r-xp 0 08:01 7 /a\n1000-2000 r-xp 0 08:01 7 /a\n", 1, 0x1000, 0x2000,
			0},
		{"1000-2000 r-xp 0 08:01 7 /a\n2000-3000 r-xp 1000 08:01 7 /a\n", 2, 0x2000, 0x3000,
			0x1000},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct maps_list l;
		assert_int_equal(parse(cases[i].text, &l), 0);
		assert_int_equal(l.n, cases[i].n);
		const struct maps_line *last = l.n ? &l.v[l.n - 1] : NULL;
		assert_true(!last || (last->start == cases[i].start && last->end == cases[i].end &&
					     last->offset == cases[i].offset));
		maps_free(&l);
	}
}

/* The same of the text as the allocation probe reads it. */
static void a_space_may_grow_while_it_is_read(void **state)
{
	struct space s = {0};

	(void)state;
	assert_int_equal(space_add(&s, "1000-3000 rw-p 00000000 00:00 0 "), 0);
	assert_int_equal(space_add(&s, "1000-4000 rw-p 00000000 00:00 0 "), 0);
	assert_int_equal(space_add(&s, "3800-5000 r-xp 00000100 08:01 7    /a"), 0);
	assert_int_equal(space_add(&s, "2000-2800 r--p 00000000 08:01 7    /b"), 0);
	assert_int_equal(s.n, 3);
	assert_true(s.v[1].start == 0x3000 && s.v[1].end == 0x4000);
	assert_true(s.v[2].start == 0x4000 && s.v[2].end == 0x5000 && s.v[2].offset == 0x900);
	assert_int_equal(space_add(&s, "6000-6000 rw-p 0 00:00 0 "), -EINVAL);
	space_fini(&s);
}

/* n executable pages, each followed by one that is not. */
static char *many(size_t n, size_t *size)
{
	char *text = malloc(n * 128), *at = text;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at,
			"%zx000-%zx000 r-xp %zx000 08:01 7 /m\n%zx000-%zx000 rw-p 0 00:00 0 \n",
			2 * i, 2 * i + 1, i, 2 * i + 1, 2 * i + 2);
	*size = at - text;
	return text;
}

static void the_ceiling_counts_executable_ones(void **state)
{
	(void)state;
	struct maps_list l;
	size_t size;
	char *text = many(LIMIT_MAPPINGS, &size);
	assert_int_equal(parse_n(text, size, &l), 0);
	assert_int_equal(l.n, LIMIT_MAPPINGS);
	assert_true(l.v[LIMIT_MAPPINGS - 1].start == (2ull * LIMIT_MAPPINGS - 2) << 12);
	assert_true(l.v[LIMIT_MAPPINGS - 1].offset == (LIMIT_MAPPINGS - 1ull) << 12);
	maps_free(&l);
	free(text);
	text = many(LIMIT_MAPPINGS + 1, &size);
	assert_int_equal(parse_n(text, size, &l), -E2BIG);
	assert_int_equal(l.n, 0);
	assert_null(l.v);
	free(text);
}

static void every_field_counts_for_equality(void **state)
{
	(void)state;
	static const char *const others[] = {
		"1800-3000 r-xp 00001000 08:01 7 /a",
		"1000-2000 r-xp 00001000 08:01 7 /a",
		"1000-3000 r-xp 00002000 08:01 7 /a",
		"1000-3000 r-xp 00001000 09:01 7 /a",
		"1000-3000 r-xp 00001000 08:02 7 /a",
		"1000-3000 r-xp 00001000 08:01 8 /a",
		"1000-3000 r-xp 00001000 08:01 7 /b",
		"1000-3000 r-xp 00001000 08:01 7 /a (deleted)",
		"1000-3000 r--p 00001000 08:01 7 /a",
		"1000-3000 r-xp 00001000 08:01 7 /a\n3000-4000 r-xp 0 00:00 0 ",
	};
	struct maps_list a, b;
	assert_int_equal(parse("1000-3000 r-xp 00001000 08:01 7 /a\n", &a), 0);
	assert_int_equal(parse("0500-1000 rw-p 0 00:00 0 [heap]\n"
			       "1000-3000 --xs 00001000 08:01 7        /a",
				 &b),
		0);
	assert_true(maps_equal(&a, &b));
	assert_true(maps_equal(&b, &a));
	maps_free(&b);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(parse(others[i], &b), 0);
		assert_false(maps_equal(&a, &b));
		assert_false(maps_equal(&b, &a));
		maps_free(&b);
	}
	maps_free(&a);
}

static void all_readable_mappings_of_one_file(void **state)
{
	static const char text[] = "1000-2000 r--p 00000000 fe:01 7 /a\n"
				   "2000-3000 r-xp 00001000 fe:01 7 /a\n"
				   "3000-4000 ---p 00002000 fe:01 7 /a\n"
				   "4000-5000 rw-p 00003000 fe:01 7 /a\n"
				   "5000-6000 r-xp 00000000 fe:01 8 /a\n"
				   "6000-7000 r-xp 00000000 fe:02 7 /a\n";
	const struct maps_line of = {.dev = makedev(0xfe, 1), .ino = 7};
	struct maps_list l;

	(void)state;
	assert_int_equal(maps_parse_file(text, sizeof(text) - 1, &of, &l), 0);
	assert_int_equal(l.n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(l.v[i].offset, i == 2 ? 0x3000 : 0x1000 * i);
		assert_int_equal(l.v[i].is_writable, i == 2);
	}
	maps_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_readable_mappings_of_one_file),
		cmocka_unit_test(a_process_is_read),
		cmocka_unit_test(only_the_third_letter_makes_it_executable),
		cmocka_unit_test(paths_come_as_they_are),
		cmocka_unit_test(a_path_of_any_length_is_kept_whole),
		cmocka_unit_test(what_is_not_maps_is_refused),
		cmocka_unit_test(what_was_told_before_counts),
		cmocka_unit_test(a_space_may_grow_while_it_is_read),
		cmocka_unit_test(the_ceiling_counts_executable_ones),
		cmocka_unit_test(every_field_counts_for_equality),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
