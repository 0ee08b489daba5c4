/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's texts byte by byte: what pprof parses, and what nobody can forge. */
#include <errno.h>

#include "output/estimate.h"
#include "output/go_quote.h"
#include "output/legacy.h"
#include "output/pseudo.h"
#include "output/tabs.h"
#include "tests/unit/profile_fixture.h"

static struct buf out;

static void clear(size_t ceiling)
{
	buf_fini(&out);
	buf_init(&out, ceiling);
}

static const char *written(const char *maps)
{
	clear(MIB);
	assert_int_equal(legacy_text(p, maps, &out), 0);
	return buf_text(&out);
}

/* Counts of a line's beginning. */
static int rows(const char *all, const char *start)
{
	int n = !strncmp(all, start, strlen(start));

	for (const char *at = all; (at = strchr(at, '\n')); at++)
		n += !strncmp(at + 1, start, strlen(start));
	return n;
}

/* --- the parts ---------------------------------------------------------------------------- */

/* What Go's tabwriter makes of the same cells. */
static void columns_are_those_of_go(void **state)
{
	static const char *const cells[][TABS_CELLS + 1] = {
		{"#", "0x401000", "short", "/a/b.c:12"},
		{"#", "0x7f0000001000", "main.a_rather_long_name", "/c.c:1"},
		{"#", "0x1", "[not readable]"},
		{"#", "0x40", "gr\u00fcn89", "x:0"},
		{"#", "0x40", "gr\u00fcn890", "x:0"},
	};
	struct tabs t;

	(void)state;
	clear(MIB);
	tabs_init(&t, MIB);
	assert_int_equal(tabs_cell(&t, "no row"), -EINVAL);
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
			assert_int_equal(tabs_row(&t), 0);
			for (size_t k = 0; cells[i][k]; k++)
				assert_int_equal(tabs_cell(&t, cells[i][k]), 0);
		}
		clear(MIB);
		assert_int_equal(tabs_put(&t, &out), 0);
		assert_string_equal(buf_text(&out),
			"#\t0x401000\tshort\t\t\t/a/b.c:12\n"
			"#\t0x7f0000001000\tmain.a_rather_long_name\t/c.c:1\n"
			"#\t0x1\t\t[not readable]\n"
			"#\t0x40\t\tgr\u00fcn89\tx:0\n"
			"#\t0x40\t\tgr\u00fcn890\tx:0\n");
	}
	assert_int_equal(tabs_row(&t), 0);
	for (unsigned i = 0; i < TABS_CELLS; i++)
		assert_int_equal(tabs_cell(&t, "x"), 0);
	assert_int_equal(tabs_cell(&t, "one too many"), -EINVAL);
	tabs_fini(&t);
}

static void quote(const char *from, const char *to)
{
	clear(MIB);
	assert_int_equal(go_quote(&out, from), 0);
	assert_string_equal(buf_text(&out), to);
}

/* What %q makes of the same. */
static void quotes_are_those_of_go(void **state)
{
	(void)state;
	quote("", "\"\"");
	quote("a\"b\\\n\t\x01\x7f", "\"a\\\"b\\\\\\n\\t\\x01\\x7f\"");
	quote("\a\b\f\r\v'", "\"\\a\\b\\f\\r\\v'\"");
	quote("\u00e9\u00a0\u200b\ufeff\ufffd\u65e5",
		"\"\u00e9\\u00a0\\u200b\\ufeff\ufffd\u65e5\"");
	quote("\xff\xc3", "\"\\xff\\xc3\"");
	quote("\U000e0001\U0001f600", "\"\\U000e0001\U0001f600\"");
	clear(4);
	assert_int_equal(go_quote(&out, "long"), -E2BIG);
}

static void add_site(uint64_t number, struct frame frame)
{
	const struct stack stack = {.n = 1, .end = STACK_DONE, .v = {frame}};
	const struct table_entry what = {.count = 1, .lock = number};

	assert_int_equal(table_add_entry(table, &stack, &what), 0);
}

/* --- counts ------------------------------------------------------------------------------- */

/* Threads of one name and stack are a row; equal counts by the text, in which 0x15020 is less than
 * 0x2; each address is one more than the location's. */
static void threads_are_counted(void **state)
{
	const struct symbol inlined[] = {
		{"in", "in", "/src/in.h", 7, 1}, {"write", "write", "/src/write.c", 120, 99}};

	(void)state;
	in.kind = PROFILE_THREADS;
	strcpy(threads[1].name, "t0");
	assert_int_equal(symbols_add(symbols, LIBC, 0x1010, inlined, 2), 0);
	name(EXE, 0x4020, "ns::f<int, 2>");
	ADD(2, 'R', 1, {0x4020, EXE, 0});
	ADD(0, 'S', 1, {0x1010, LIBC, 0}, {0x4020, EXE, FRAME_RETURN});
	ADD(1, 'S', 1, {0x1010, LIBC, 0}, {0x4020, EXE, FRAME_RETURN});
	ADD(3, 'R', 1, {0x4020, EXE, 0}, {0x20, EXE, FRAME_RETURN});
	build();
	assert_string_equal(written(NULL),
		"thread profile: total 4\n"
		"2 @ 0x70011 0x15021\n"
		"# labels: {\"state\":\"sleeping\", \"thread_name\":\"t0\"}\n"
		"#\t0x70010\tin\t\t/src/in.h:7\n"
		"#\t0x70010\twrite\t\t/src/write.c:120\n"
		"#\t0x15020\tns::f<int, 2>\t/usr/bin/app:0\n"
		"\n"
		"1 @ 0x15021\n"
		"# labels: {\"state\":\"running\", \"thread_name\":\"t2\"}\n"
		"#\t0x15020\tns::f<int, 2>\t/usr/bin/app:0\n"
		"\n"
		"1 @ 0x15021 0x10021\n"
		"# labels: {\"state\":\"running\", \"thread_name\":\"t3\"}\n"
		"#\t0x15020\tns::f<int, 2>\t/usr/bin/app:0\n"
		"#\t0x10020\t[app]+0x20\t/usr/bin/app:0\n"
		"\n");
}

/* Ties are sorted as text, not as numbers (0x8, 0xa0031, 0xb0), and labels decide last. */
static void ties_are_in_the_order_of_the_text(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADCREATE;
	ADD(1, 0, 1, {0x1010, LIBC, 0});
	ADD(0, 0, 1, {0x1010, LIBC, 0});
	ADD(0, 0, 1, {0x1010, LIBC, 0}, {0x30, EXE, FRAME_RETURN});
	ADD(0, 0, 1, {0x30, ANON, 0});
	build();
	const char *all = written(NULL),
		   *first = strstr(all, "1 @ 0x70011\n# labels: {\"thread_na"
					"me\":\"t0\"}\n"),
		   *second = strstr(all, "1 @ 0x70011\n# labels: {\"thread_name\":\"t1\"}\n"),
		   *third = strstr(all, "1 @ 0x70011 0x10031\n"),
		   *last = strstr(all, "1 @ 0xa0031\n");
	assert_int_equal(strncmp(all, "threadcreate profile: total 4\n", 30), 0);
	assert_non_null(first);
	assert_true(first < second && second < third && third < last);
	p->locations[0].address = 0x7;
	all = written(NULL);
	assert_true(strstr(all, "1 @ 0x8\n") < strstr(all, "1 @ 0xa0031\n"));
	p->locations[0].address = 0xaf;
	all = written(NULL);
	assert_true(strstr(all, "1 @ 0xa0031\n") < strstr(all, "1 @ 0xb0\n"));
}

/* The name is that of the sample type: threads under the name of goroutines are such. */
static void head_is_the_type(void **state)
{
	(void)state;
	in.kind = PROFILE_GOROUTINE;
	build();
	assert_string_equal(written(NULL), "goroutine profile: total 0\n");
	assert_string_equal(written(""), "goroutine profile: total 0\n--- Memory map: ---\n");
	in.kind = PROFILE_THREADS;
	build();
	assert_string_equal(written(NULL), "thread profile: total 0\n");
	p->types[0].type = strings_id(p->strings, "goroutine");
	assert_string_equal(written(NULL), "goroutine profile: total 0\n");
}

static void no_frame_is_lost(void **state)
{
	char row[128];
	unsigned long long first, second;

	(void)state;
	in.kind = PROFILE_THREADS;
	name(GONE, 0x99, "of a library/that is gone");
	ADD(0, 'S', 1, {PSEUDO_MISSING + MISSING_LATE, 0, 0});
	ADD(1, 'S', 2, {0x10, EXE, 0}, {PSEUDO_END + STACK_NO_CFI, 0, 0});
	ADD(2, 'S', 3, {0x99, GONE, 0}, {0x98, GONE, FRAME_RETURN});
	build();
	const char *all = written("10000-12000 r-xp 00000000 00:00 0 /usr/bin/app");
	assert_int_equal(sscanf(strstr(all, "\n3 @"), "\n3 @ %llx %llx\n", &first, &second), 2);
	assert_true(first > 1ull << 63 && second > 1ull << 63 && first != second);
	snprintf(row, sizeof(row), "#\t0x%llx\tof a library/that is gone\n", first - 1);
	assert_non_null(strstr(all, row));
	snprintf(row, sizeof(row), "#\t0x%llx\t[gone.so+0x98]\n", second - 1);
	assert_non_null(strstr(all, row));
	assert_non_null(strstr(all, "\n--- Memory map: ---\n"
				    "10000-12000 r-xp 00000000 00:00 0 /usr/bin/app\n"));
	snprintf(row, sizeof(row),
		"\n%llx-%llx r-xp 00000000 00:00 0 [of_a_library_that_is_gone]\n", first - 1,
		first);
	assert_non_null(strstr(all, row));
	assert_int_equal(sscanf(strstr(all, "\n2 @"), "\n2 @ 0x10011 %llx\n", &first), 1);
	snprintf(row, sizeof(row), "#\t0x%llx\t[no unwind information]\n", first - 1);
	assert_non_null(strstr(all, row));
	snprintf(row, sizeof(row), "\n%llx-%llx r-xp 00000000 00:00 0 [no_unwind_information]\n",
		first - 1, first);
	assert_non_null(strstr(all, row));
	/* The same address in another text. */
	const uint64_t before = first;
	build();
	assert_int_equal(sscanf(strstr(written(NULL), "\n2 @"), "\n2 @ 0x10011 %llx\n", &first), 1);
	assert_int_equal(before, first);
	assert_null(strstr(buf_text(&out), "Memory map"));
}

/* A stack without a frame: pprof refuses rows without an address. */
static void no_row_without_an_address(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	ADD(0, 'S', 1, {0x10, EXE, 0});
	build();
	p->samples[0].n_locations = 0;
	assert_string_equal(written(NULL),
		"thread profile: total 1\n1 @ 0x1\n"
		"# labels: {\"state\":\"sleeping\", \"thread_name\":\"t0\"}\n\n");
}

/* Two pieces of code that were at one address one after the other. */
static void code_of_one_address_is_told_apart(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	name(EXE, 0x10, "former");
	name(EXE, 0x11, "latter");
	ADD(0, 'S', 1, {0x10, EXE, 0});
	ADD(0, 'S', 1, {0x11, EXE, 0});
	build();
	p->locations[1].address = p->locations[0].address;
	const char *all = written(NULL);
	assert_int_equal(rows(all, "1 @ 0x10011"), 2);
	assert_non_null(strstr(all, "\tformer\t"));
	assert_non_null(strstr(all, "\tlatter\t"));
}

static void names_forge_nothing(void **state)
{
	static const char evil[] = "f\n9 @ 0x666\n--- Memory map: ---\n\t\"x";

	(void)state;
	in.kind = PROFILE_THREADS;
	struct symbol s = {evil, evil, "/src/\n7 @ 0x1\n.c", 3, 0};
	assert_int_equal(symbols_add(symbols, EXE, 0x10, &s, 1), 0);
	strcpy(threads[0].name, "\n8 @ 0x5\"}\n");
	name(GONE, 0x99, "g\n6 @ 0x4\n");
	ADD(0, 'S', 1, {0x10, EXE, 0}, {0x99, GONE, FRAME_RETURN});
	build();
	const char *all = written("");
	assert_int_equal(rows(all, "1 @ "), 1);
	assert_int_equal(
		rows(all, "# labels: {\"state\":\"sleeping\", \"thread_name\":\"\\n8 @ 0x5\\\"}"
			  "\\n\"}"),
		1);
	assert_int_equal(
		rows(all, "#\t0x10010\t\t\tf\\x0a9 @ 0x666\\x0a--- Memory map: ---\\x0a\\x09\""
			  "x\t/src/\\x0a7 @ 0x1\\x0a.c:3\n"),
		1);
	assert_int_equal(rows(all, "--- Memory map: ---"), 1);
	for (char c = '2'; c <= '9'; c++)
		assert_int_equal(rows(all, (char[]){c, ' ', '\0'}), 0);
	assert_int_equal(rows(all, ""), 1 + 8);
}

/* --- contentions -------------------------------------------------------------------------- */

static void wait(
	uint32_t thread, enum wait_kind kind, uint64_t lock, uint64_t weight, uint64_t offset)
{
	static struct stack stack = {.n = 1, .end = STACK_DONE};
	struct table_entry entry = {.count = 2,
		.weight = weight * WEIGHT_ONE,
		.thread = thread,
		.wait = kind,
		.lock = lock};

	stack.v[0] = (struct frame){.offset = offset, .module = EXE};
	assert_int_equal(table_add_entry(table, &stack, &entry), 0);
}

static void contentions_are_by_time(void **state)
{
	(void)state;
	in.kind = PROFILE_BLOCK;
	in.hz = 100; /* 10 ms */
	strcpy(threads[1].name, "t0");
	wait(0, WAIT_MUTEX, 0x7000, 1, 0x10);
	wait(1, WAIT_MUTEX, 0x7000, 1, 0x10);
	wait(0, WAIT_COND, 0x7100, 50, 0x20);
	build();
	assert_string_equal(written(NULL),
		"--- contention:\n"
		"cycles/second=1000000000\n"
		"500000000 2 @ 0x10021\n"
		"# labels: {\"kind\":\"cond\", \"lock\":\"0x7100\", \"thread_name\":\"t0\"}\n"
		"#\t0x10020\t[app]+0x20\t/usr/bin/app:0\n"
		"\n"
		"20000000 4 @ 0x10011\n"
		"# labels: {\"kind\":\"mutex\", \"lock\":\"0x7000\", \"thread_name\":\"t0\"}\n"
		"#\t0x10010\t[app]+0x10\t/usr/bin/app:0\n"
		"\n");
	in.kind = PROFILE_MUTEX;
	build();
	const char *all = written("");
	assert_int_equal(
		strncmp(all, "--- mutex:\ncycles/second=1000000000\nsampling period=1\n5", 54), 0);
	assert_int_equal(rows(all, "20000000 4 @ 0x10011\n"), 1);
	assert_string_equal(strstr(all, "\n\n--- "), "\n\n--- Memory map: ---\n");
}

/* What is in use, then in brackets all; the biggest in use first, of allocs too. */
static void the_heap_has_all_four(void **state)
{
	struct heap_site sites[] = {
		{.all = {.objects = 3, .bytes = 300}, .live = {.objects = 1, .bytes = 100}},
		{.all = {.objects = 2.4, .bytes = 199.6}, .live = {.objects = 2.4, .bytes = 199.6}},
		{.all = {.objects = 9, .bytes = 90000}},
	};
	const struct profile_heap heap = {sites, 3, 4096, HEAP_ALL};
	const char *want = "heap profile: 3: 300 [14: 90500] @ heap/2\n"
			   "2: 200 [2: 200] @ 0x15021\n#\t0x15020\tsecond\t/usr/bin/app:0\n\n"
			   "1: 100 [3: 300] @ 0x10021\n#\t0x10020\tfirst\t/usr/bin/app:0\n\n"
			   "0: 0 [9: 90000] @ 0x70011\n#\t0x70010\tthird\t/lib/libc.so:0\n\n"
			   "# said of it\n";

	(void)state;
	in.heap = &heap;
	in.comments = "said of it\n";
	name(EXE, 0x20, "first");
	name(EXE, 0x4020, "second");
	name(LIBC, 0x1010, "third");
	add_site(1, (struct frame){0x20, EXE, 0});
	add_site(2, (struct frame){0x4020, EXE, 0});
	add_site(3, (struct frame){0x1010, LIBC, 0});
	for (in.kind = PROFILE_HEAP; in.kind <= PROFILE_ALLOCS; in.kind++) {
		build();
		assert_string_equal(written(NULL), want);
	}
	/* Equal sums would be taken for a text that does not tell them apart. */
	memset(&sites[1], 0, 2 * sizeof(*sites));
	sites[0].live = sites[0].all;
	in.kind = PROFILE_HEAP;
	build();
	assert_int_equal(rows(written(NULL), "heap profile: 3: 300 [3: 301] @ heap/2"), 1);
	assert_int_equal(rows(buf_text(&out), "3: 300 [3: 300] @ 0x10021"), 1);
}

static void others_have_no_text(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		in.kind = i ? PROFILE_WALL : PROFILE_CPU;
		build();
		clear(MIB);
		assert_int_equal(legacy_text(p, NULL, &out), -ENOTSUP);
		assert_int_equal(out.len, 0);
	}
}

static void no_room_is_said(void **state)
{
	(void)state;
	in.kind = PROFILE_THREADS;
	ADD(0, 'S', 1, {0x10, EXE, 0});
	build();
	size_t all = strlen(written("x"));
	for (size_t room = 0; room <= all; room++) {
		clear(room);
		assert_int_equal(legacy_text(p, "x", &out), room < all ? -E2BIG : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_those_of_go),
		cmocka_unit_test(quotes_are_those_of_go),
		TEST(threads_are_counted),
		TEST(ties_are_in_the_order_of_the_text),
		TEST(head_is_the_type),
		TEST(no_frame_is_lost),
		TEST(no_row_without_an_address),
		TEST(code_of_one_address_is_told_apart),
		TEST(names_forge_nothing),
		TEST(contentions_are_by_time),
		TEST(the_heap_has_all_four),
		TEST(others_have_no_text),
		TEST(no_room_is_said),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_fini(&out);
	return failed;
}
