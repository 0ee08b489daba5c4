/* SPDX-License-Identifier: GPL-2.0-or-later */
/* profile_build: header, mappings, functions and lines, against truth computed by hand. */
#include <errno.h>

#include "tests/unit/profile_fixture.h"

/* --- header -------------------------------------------------------------------------------- */

static void cpu_header(void **state)
{
	(void)state;
	in.comments = "one\n\ntwo \xff\nthree\nfour\nfive\n";
	build();
	assert_int_equal(p->kind, PROFILE_CPU);
	assert_int_equal(p->n_types, 2);
	check_type(&p->types[0], "samples", "count");
	check_type(&p->types[1], "cpu", "nanoseconds");
	check_type(&p->period_type, "cpu", "nanoseconds");
	assert_int_equal(p->default_type, p->types[1].type); /* speedscope compares the index */
	assert_int_equal(p->period, 10101010);
	assert_int_equal(p->time, 1700000000123456789);
	assert_int_equal(p->duration, 5000000001);
	assert_int_equal(p->n_comments, 4);
	assert_string_equal(text(p->comments[0]), "one");
	assert_string_equal(text(p->comments[1]), "two " BAD);
	assert_string_equal(text(p->comments[3]), "four");
}

static void threads_header(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	in.duration = 0;
	in.comments = "no newline";
	build();
	assert_int_equal(p->n_types, 1);
	check_type(&p->types[0], "thread", "count");
	check_type(&p->period_type, "thread", "count");
	assert_int_equal(p->default_type, p->types[0].type);
	assert_int_equal(p->period, 1);
	assert_int_equal(p->duration, 0);
	assert_int_equal(p->n_comments, 1);
	assert_string_equal(text(p->comments[0]), "no newline");
}

static void nothing_sampled_is_legal(void **state)
{
	(void)state;
	in.n_threads = 0;
	build();
	assert_int_equal(p->n_samples, 0);
	assert_int_equal(p->n_locations, 0);
	assert_int_equal(p->n_mappings, 1);
	assert_string_equal(text(p->mappings[0].file), "/usr/bin/app");
	assert_int_equal(p->mappings[0].has_functions, 0);
	assert_string_equal(text(0), "");
	in.n_segments = 0;
	build();
	assert_int_equal(p->n_mappings, 0);
	profile_free(NULL);
}

/* --- mappings ------------------------------------------------------------------------------ */

static void the_executable_is_the_first_mapping(void **state)
{
	(void)state;
	ADD(0, 0, 1, {0x1010, LIBC, 0}, {0x20, EXE, FRAME_RETURN});
	build();
	assert_int_equal(p->n_mappings, 2);
	assert_string_equal(text(p->mappings[0].file), "/usr/bin/app");
	assert_int_equal(p->mappings[0].start, 0x10000);
	assert_int_equal(p->mappings[0].limit, 0x12000);
	assert_int_equal(p->mappings[0].offset, 0);
	assert_string_equal(text(p->mappings[0].build_id), "");
	assert_int_equal(p->mappings[1].offset, 0x1000);
	assert_string_equal(text(p->mappings[1].build_id), "ab000fe1");
	check(0, 0, "/lib/libc.so", 0x70010, NULL);
	check(0, 1, "/usr/bin/app", 0x10020, NULL);
}

static void the_newest_segment_counts(void **state)
{
	(void)state;
	ADD(0, 0, 1, {0x1fff, LIBC, 0}, {0x2000, LIBC, 0}, {0x2fff, LIBC, 0}, {0x4008, EXE, 0},
		{0x1fff, EXE, 0});
	build();
	check(0, 0, "/lib/libc.so", 0x70fff, NULL); /* before the newer one */
	check(0, 1, "/lib/libc.so", 0x90000, NULL);
	check(0, 2, "/lib/libc.so", 0x90fff, NULL);
	check(0, 3, "/usr/bin/app", 0x15008, NULL);
	check(0, 4, "/usr/bin/app", 0x11fff, NULL);
	assert_int_equal(mapping_of(location(0, 2))->start, 0x90000);
	assert_int_equal(mapping_of(location(0, 2))->offset, 0x2000);
	assert_int_equal(p->n_mappings, 4);
}

static void a_place_in_no_segment_has_a_name(void **state)
{
	(void)state;
	name(LIBC, 0x9000, "known");
	ADD(0, 0, 1, {0xfff, LIBC, 0}, {0x3000, LIBC, 0}, {0x9000, LIBC, 0}, {0x2abc, EXE, 0},
		{0x1, GONE, 0}, {0x1000, ANON, 0});
	build();
	check(0, 0, NULL, 0xfff, "[libc.so+0xfff]");
	check(0, 1, NULL, 0x3000, "[libc.so+0x3000]");
	check(0, 2, NULL, 0x9000, "known");
	check(0, 3, NULL, 0x2abc, "[app+0x2abc]");
	check(0, 4, NULL, 0x1, "[gone.so+0x1]");
	check(0, 5, NULL, 0x1000, "[anon+0x1000]");
	assert_int_equal(p->n_mappings, 1);
}

static void memory_without_a_file(void **state)
{
	(void)state;
	ADD(0, 0, 1, {0x123, ANON, 0}, {0x456, VDSO, 0});
	build();
	check(0, 0, "//anon", 0xa0123, NULL);
	check(0, 1, "[vdso]", 0xb0456, NULL);
}

/* libc's first segment has a name, its second and the program have none. */
static void flags_follow_the_names(void **state)
{
	(void)state;
	name(LIBC, 0x1010, "write");
	ADD(0, 0, 1, {0x1010, LIBC, 0}, {0x1020, LIBC, 0}, {0x2020, LIBC, 0}, {0x30, EXE, 0});
	ADD(0, 0, 1, {0x1030, LIBC, 0});
	build();
	check(0, 0, "/lib/libc.so", 0x70010, "write");
	check(0, 1, "/lib/libc.so", 0x70020, "[libc.so]");
	check(0, 2, "/lib/libc.so", 0x90020, NULL);
	check(0, 3, "/usr/bin/app", 0x10030, NULL);
	check(1, 0, "/lib/libc.so", 0x70030, "[libc.so]");
	assert_int_equal(mapping_of(location(0, 0))->has_functions, 1); /* the rest: sound */
	assert_int_equal(mapping_of(location(0, 2))->has_functions, 0);
	assert_int_equal(p->mappings[0].has_functions, 0);
	assert_int_equal(p->n_functions, 2);
}

/* --- functions and lines ------------------------------------------------------------------- */

static void inlined_functions_are_lines(void **state)
{
	static const struct symbol lines[] = {
		{"leaf<int>", "_Zleaf", "/src/leaf.h", 12, 10},
		{"middle", "", "/src/app.c", 40, 0},
		{"", "_Zouter", "/src/app.c", 77, 70},
	};
	(void)state;
	assert_int_equal(symbols_add(symbols, EXE, 0x10, lines, 3), 0);
	assert_int_equal(symbols_add(symbols, EXE, 0x20, lines + 2, 1), 0);
	ADD(0, 0, 1, {0x10, EXE, 0}, {0x20, EXE, 0});
	build();
	const struct profile_location *l = location(0, 0);
	assert_int_equal(l->n_lines, 3);
	assert_string_equal(function_name(l, 0), "leaf<int>");
	assert_string_equal(function_name(l, 1), "middle");
	assert_string_equal(function_name(l, 2), "_Zouter");
	assert_int_equal(p->lines[l->first_line].line, 12);
	assert_int_equal(p->lines[l->first_line + 1].line, 40);
	assert_int_equal(p->lines[l->first_line + 2].line, 77);
	const struct profile_function *f = &p->functions[p->lines[l->first_line].function - 1];
	assert_string_equal(text(f->system_name), "_Zleaf");
	assert_string_equal(text(f->file), "/src/leaf.h");
	assert_int_equal(f->start_line, 10);
	/* The outer function of the first is the function of the second. */
	assert_int_equal(p->n_functions, 3);
	assert_int_equal(p->lines[location(0, 1)->first_line].function,
		p->lines[l->first_line + 2].function);
}

static void functions_differ_in_any_part(void **state)
{
	static const struct symbol parts[] = {{"f", "_f", "a.c", 1, 5}, {"f", "_g", "a.c", 1, 5},
		{"f", "_f", "b.c", 1, 5}, {"f", "_f", "a.c", 1, 6}, {"g", "_f", "a.c", 1, 5},
		{"f", "_f", "a.c", 2, 5}};
	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(symbols_add(symbols, EXE, 0x10 + i, &parts[i], 1), 0);
		ADD(0, 0, 1, {0x10 + i, EXE, 0});
	}
	build();
	assert_int_equal(p->n_functions, 5); /* only the line differs in the last */
	assert_int_equal(p->n_lines, 6);
	assert_int_equal(p->lines[location(0, 0)->first_line].function,
		p->lines[location(5, 0)->first_line].function);
}

static void a_symbol_without_any_name_is_none(void **state)
{
	static const struct symbol nameless = {"", "", "/src/app.c", 3, 1};
	(void)state;
	assert_int_equal(symbols_add(symbols, EXE, 0x10, &nameless, 1), 0);
	ADD(0, 0, 1, {0x10, EXE, 0});
	build();
	assert_int_equal(location(0, 0)->n_lines, 0);
	assert_int_equal(p->mappings[0].has_functions, 0);
}

/* --- limits -------------------------------------------------------------------------------- */

/* A path that alone is past the ceiling of all strings: an error, and nothing is left. */
static void too_much_text_is_refused(void **state)
{
	(void)state;
	char *path = malloc(LIMIT_STRINGS + 1);
	memset(path, 'x', LIMIT_STRINGS);
	path[LIMIT_STRINGS] = '\0';
	modules[LIBC - 1].path = path;
	ADD(0, 0, 1, {0x1010, LIBC, 0}, {0x10, EXE, 0});
	p = (struct profile *)modules; /* must be overwritten */
	int error = profile_build(&in, &p);
	modules[LIBC - 1].path = "/lib/libc.so";
	free(path);
	assert_int_equal(error, -E2BIG);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cpu_header),
		TEST(threads_header),
		TEST(nothing_sampled_is_legal),
		TEST(the_executable_is_the_first_mapping),
		TEST(the_newest_segment_counts),
		TEST(a_place_in_no_segment_has_a_name),
		TEST(memory_without_a_file),
		TEST(flags_follow_the_names),
		TEST(inlined_functions_are_lines),
		TEST(functions_differ_in_any_part),
		TEST(a_symbol_without_any_name_is_none),
		TEST(too_much_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
