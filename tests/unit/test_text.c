/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The top table against what go tool pprof prints for the same profile. */
#include "output/text.h"
#include "tests/unit/profile_fixture.h"

static struct buf out;

static const char *rows_of(uint32_t lines)
{
	buf_fini(&out);
	buf_init(&out, MIB);
	assert_int_equal(text_top(p, lines, &out), 0);
	const char *rows = strstr(buf_text(&out), "cum%\n");
	assert_non_null(rows);
	return rows + strlen("cum%\n");
}

/* Equal flat values by name, whatever the cumulative ones are; a row without any value is none. */
static void rows_are_in_order(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	name(EXE, 0x10, "b");
	name(EXE, 0x20, "a");
	name(EXE, 0x30, "z");
	name(EXE, 0x40, "nothing");
	ADD(0, 'S', 2, {0x10, EXE, 0}, {0x30, EXE, FRAME_RETURN});
	ADD(0, 'S', 2, {0x20, EXE, 0});
	ADD(0, 'S', 0, {0x40, EXE, 0});
	ADD(0, 'S', 1, {0x30, EXE, 0}, {0x10, EXE, FRAME_RETURN});
	build();
	assert_string_equal(rows_of(9), "         2 40.00% 40.00%          2 40.00%  a\n"
					"         2 40.00% 80.00%          3 60.00%  b\n"
					"         1 20.00%   100%          3 60.00%  z\n");
	assert_null(strstr(out.data, "Showing top"));
	rows_of(2);
	assert_non_null(strstr(out.data, "Showing top 2 nodes out of 3\n"));
	assert_non_null(strstr(out.data, "accounting for 4, 80.00% of 5 total\n"));
}

static void code_without_names_is_its_file(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	ADD(0, 'S', 4, {0x10, EXE, 0});
	ADD(0, 'S', 3, {0x20, ANON, 0});
	ADD(0, 'S', 2, {0x30, VDSO, 0});
	ADD(0, 'S', 1, {0x40, EXE, 0});
	ADD(0, 'S', 1, {0x2010, LIBC, 0});
	build();
	p->locations[4].mapping = 0;
	assert_string_equal(rows_of(9), "         5 45.45% 45.45%          5 45.45%  [app]\n"
					"         3 27.27% 72.73%          3 27.27%  [anon]\n"
					"         2 18.18% 90.91%          2 18.18%  [[vdso]]\n"
					"         1  9.09%   100%          1  9.09%  <unknown>\n");
}

/* f is inlined in a, called by b; g only inlined; what is not shown does not stand between. */
static void inlined_is_said_per_call(void **state)
{
	static const struct symbol in_a[] = {
		{"g", "g", "", 0, 0}, {"f", "f", "", 0, 0}, {"a", "a", "", 0, 0}};
	(void)state;
	in.kind = PROFILE_THREADS;
	assert_int_equal(symbols_add(symbols, EXE, 0x10, in_a, 3), 0);
	name(EXE, 0x20, "f");
	name(EXE, 0x30, "b");
	ADD(0, 'S', 5, {0x10, EXE, 0});
	ADD(0, 'S', 3, {0x20, EXE, 0}, {0x30, EXE, FRAME_RETURN});
	build();
	assert_string_equal(rows_of(9),
		"         5 62.50% 62.50%          5 62.50%  g (inline)\n"
		"         3 37.50%   100%          8   100%  f (partial-inline)\n"
		"         0     0%   100%          5 62.50%  a\n"
		"         0     0%   100%          3 37.50%  b\n");
	assert_non_null(strstr(rows_of(3), "  f (inline)\n")); /* without b */
	assert_non_null(strstr(rows_of(1), "  g\n"));
}

/* The total is in the table's unit, not in the one that fits it best. */
static void the_total_is_in_the_tables_unit(void **state)
{
	(void)state;
	threads[0].cpu = 1500000000;
	threads[1].cpu = 900000000;
	in.duration = 2000000000;
	name(EXE, 0x10, "a");
	name(EXE, 0x20, "b");
	ADD(0, 0, 1, {0x10, EXE, 0});
	ADD(1, 0, 1, {0x20, EXE, 0});
	build();
	rows_of(9);
	assert_non_null(
		strstr(out.data, "Duration: 2s, Total samples = 2400ms (120.00%)\nShowing"));
	assert_non_null(strstr(out.data, "    1500ms 62.50% 62.50%     1500ms 62.50%  a\n"));
}

static int fini(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_in_order),
		TEST(code_without_names_is_its_file),
		TEST(inlined_is_said_per_call),
		TEST(the_total_is_in_the_tables_unit),
	};
	return cmocka_run_group_tests(tests, NULL, fini);
}
