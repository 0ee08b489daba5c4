/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -check: one good profile, and what is said when one thing in it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/conform.h"

enum { EMPTY, CPU, NANOSECONDS, APP, MAIN, MANGLED, SOURCE, OTHER, WALL, STRINGS };

static char *strings[STRINGS];
static Perftools__Profiles__Profile p;
static Perftools__Profiles__ValueType type, period_type, *types[1];
static Perftools__Profiles__Mapping mapping, *mappings[1];
static Perftools__Profiles__Function functions[2], *function_list[2];
static Perftools__Profiles__Line lines[2], *line_list[2];
static Perftools__Profiles__Location locations[4], *location_list[4];
static Perftools__Profiles__Sample samples[2], *sample_list[2];
static uint64_t stacks[2][2] = {{1, 3}, {2, 4}};
static int64_t values[2];
static char errors[2000], warnings[2000];

/* Two places in an executable, both in main; two frames that are no code. */
static int begin(void **state)
{
	static char *const good[STRINGS] = {"", "cpu", "nanoseconds", "/usr/bin/app", "main",
		"_main", "/src/main.c", "other", "wall"};
	(void)state;
	memcpy(strings, good, sizeof(strings));
	perftools__profiles__profile__init(&p);
	perftools__profiles__value_type__init(&type);
	type.type = CPU;
	type.unit = NANOSECONDS;
	period_type = type;
	perftools__profiles__mapping__init(&mapping);
	mapping.id = 1;
	mapping.memory_start = 0x1000;
	mapping.memory_limit = 0x5000;
	mapping.file_offset = 0x2000;
	mapping.filename = APP;
	mapping.has_functions = 1;
	for (int i = 0; i < 2; i++) {
		perftools__profiles__function__init(&functions[i]);
		functions[i].id = i + 1;
		functions[i].name = i ? OTHER : MAIN;
		functions[i].system_name = MANGLED;
		functions[i].filename = SOURCE;
		perftools__profiles__line__init(&lines[i]);
		lines[i].function_id = i + 1;
		lines[i].line = 7;
		perftools__profiles__sample__init(&samples[i]);
		samples[i].location_id = stacks[i];
		samples[i].n_location_id = 2;
		samples[i].value = &values[i];
		samples[i].n_value = 1;
		values[i] = 10;
		function_list[i] = &functions[i];
		line_list[i] = &lines[i];
		sample_list[i] = &samples[i];
	}
	for (int i = 0; i < 4; i++) {
		perftools__profiles__location__init(&locations[i]);
		locations[i].id = i + 1;
		locations[i].mapping_id = i < 2;
		locations[i].address = i < 2 ? 0x1100 + i : 0;
		locations[i].line = &line_list[i % 2];
		locations[i].n_line = 1;
		location_list[i] = &locations[i];
	}
	types[0] = &type;
	mappings[0] = &mapping;
	p.sample_type = types;
	p.n_sample_type = 1;
	p.period_type = &period_type;
	p.period = 10000000;
	p.time_nanos = 1;
	p.mapping = mappings;
	p.n_mapping = 1;
	p.function = function_list;
	p.n_function = 2;
	p.location = location_list;
	p.n_location = 4;
	p.sample = sample_list;
	p.n_sample = 2;
	p.string_table = strings;
	p.n_string_table = STRINGS;
	return 0;
}

static void on_report(void *arg, int warning, const char *text)
{
	char *to = warning ? warnings : errors;
	(void)arg;
	assert_true(strlen(to) + strlen(text) + 2 < sizeof(errors));
	strcat(to, text);
	strcat(to, "\n");
}

static void assert_said(const char *expected_errors, const char *expected_warnings)
{
	errors[0] = warnings[0] = '\0';
	conform(&p, on_report, NULL);
	assert_string_equal(errors, expected_errors);
	assert_string_equal(warnings, expected_warnings);
}

static void a_good_profile(void **state)
{
	(void)state;
	assert_said("", "");
}

static void types_are_names(void **state)
{
	(void)state;
	strings[WALL] = "9wall";
	type.type = WALL;
	assert_said("sample type 0: \"9wall\" is not a name\n", "");
	strings[WALL] = "wall-time";
	assert_said("sample type 0: \"wall-time\" is not a name\n", "");
	type.type = CPU;
	type.unit = EMPTY;
	assert_said("sample type 0: unit \"\" is not a name\n", "");
	type.unit = NANOSECONDS;
	period_type.type = WALL;
	assert_said("period type 0: \"wall-time\" is not a name\n", "");
	period_type.type = CPU;
	period_type.unit = WALL;
	strings[WALL] = "n.s";
	assert_said("period type 0: unit \"n.s\" is not a name\n", "");
	strings[WALL] = "_N0s";
	assert_said("", "");
}

static void mappings_are_aligned(void **state)
{
	static const char said[] = "mapping 1: start, limit or offset is no multiple of 4096\n";
	(void)state;
	mapping.memory_start = 0x1010;
	assert_said(said, "");
	mapping.memory_start = 0x1000;
	mapping.memory_limit = 0x4fff;
	assert_said(said, "");
	mapping.memory_limit = 0x5000;
	mapping.file_offset = 0x800;
	assert_said(said, "");
}

static void the_first_mapping_is_the_executable(void **state)
{
	static char *const wrong[] = {
		"[vdso]", "//anon", "/lib/libc.so.6", "libm.so", "/dir/[heap]"};
	static char *const right[] = {"/usr/bin/app.sound", "/lib.so/app", "app"};
	char said[100];
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		strings[APP] = wrong[i];
		snprintf(said, sizeof(said), "mapping 1: \"%s\" is not an executable\n", wrong[i]);
		assert_said("", said);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		strings[APP] = right[i];
		assert_said("", "");
	}
	p.n_mapping = 0;
	locations[0].mapping_id = locations[1].mapping_id = 0;
	assert_said("", "no mapping: the executable is not known\n");
	p.n_location = p.n_sample = 0;
	assert_said("", "");
}

static void nothing_is_there_twice(void **state)
{
	(void)state;
	locations[1].address = locations[0].address;
	assert_said("", "location 2: same mapping and address as location 1\n");
	locations[1].address++;
	functions[1].name = MAIN;
	assert_said("", "function 2: same names, file and start line as function 1\n");
	functions[1].start_line = 3;
	assert_said("", "");
	strings[WALL] = "other";
	assert_said("", "string 8: same text as string 7\n");
}

static void numbers_make_sense(void **state)
{
	(void)state;
	p.period = 0;
	assert_said("", "no period\n");
	p.period = 1;
	values[1] = 0;
	assert_said("", "sample 2: all values are 0\n");
	values[1] = 1;
	lines[0].line = -1;
	assert_said("", "location 1: negative line number\nlocation 3: negative line number\n");
	lines[0].line = 0;
	functions[1].start_line = -1;
	assert_said("", "function 2: negative line number\n");
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_profile),
		TEST(types_are_names),
		TEST(mappings_are_aligned),
		TEST(the_first_mapping_is_the_executable),
		TEST(nothing_is_there_twice),
		TEST(numbers_make_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
