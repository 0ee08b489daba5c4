/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Perf maps: which line an address belongs to, by a look-up that tries them all; and files that are
 * damaged or meant to harm. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/limits.h"
#include "symbolize/perf_map.h"

static struct perf_map *map;

static int read_bytes(const void *bytes, size_t n)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	perf_map_free(map);
	int error = perf_map_read(fd, &map);
	assert_int_equal(close(fd), 0);
	return error;
}

static void read_text(const char *text)
{
	assert_int_equal(read_bytes(text, strlen(text)), 0);
}

static void assert_name(uint64_t address, const char *wanted)
{
	size_t n = 77;
	const char *name = perf_map_find(map, address, &n);

	if (!wanted) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_int_equal(n, strlen(wanted));
	assert_memory_equal(name, wanted, n);
}

static int fini(void **state)
{
	(void)state;
	perf_map_free(map);
	map = NULL;
	return 0;
}

static void lines_are_read(void **state)
{
	(void)state;
	read_text("1000 10 first\n0x1010 0x8 with 0x and blanks  \n"
		  "00007f4d24ed2180 0000000000000218 int Chain.step20(int)\n"
		  "ABCD00 AB upper\n1020\t10 \t tabs\r\n");
	assert_int_equal(perf_map_functions(map), 5);
	assert_int_equal(perf_map_bad(map), 0);
	assert_name(0xfff, NULL);
	assert_name(0x1000, "first");
	assert_name(0x100f, "first");
	assert_name(0x1010, "with 0x and blanks");
	assert_name(0x1017, "with 0x and blanks");
	assert_name(0x1018, NULL);
	assert_name(0x1020, "tabs");
	assert_name(0x7f4d24ed2397, "int Chain.step20(int)");
	assert_name(0x7f4d24ed2398, NULL);
	assert_name(0xabcdaa, "upper");
	assert_name(UINT64_MAX, NULL);
	assert_name(0, NULL);
}

static void what_makes_no_sense_is_left_out(void **state)
{
	static const char nul[] = "1000 10 cut\0here\n1010 10 \0\n1020 10 good\n";

	(void)state;
	read_text("\n \n1000\n1000 10\n1000 10 \nx 10 a\n1000 x a\n1000,10 a\n1000 0 empty\n"
		  "-1 10 a\n1000 -10 a\n0x 10 a\n11112222333344445 10 large\n"
		  "1000 11112222333344445 large\nfffffffffffffff0 11 wraps\n"
		  "fffffffffffffff0 f last\n");
	assert_int_equal(perf_map_functions(map), 1);
	assert_int_equal(perf_map_bad(map), 15);
	assert_name(UINT64_MAX - 1, "last");
	assert_name(UINT64_MAX, NULL);
	assert_int_equal(read_bytes(nul, sizeof(nul) - 1), 0);
	assert_int_equal(perf_map_functions(map), 2);
	assert_name(0x1000, "cut");
	assert_name(0x1020, "good");
}

/* It may be cut anywhere: "step17" would be step1. */
static void a_line_without_an_end_is_still_being_written(void **state)
{
	(void)state;
	read_text("1000 10 first\n1010 10 sec");
	assert_int_equal(perf_map_functions(map), 1);
	assert_int_equal(perf_map_bad(map), 0);
	assert_name(0x1010, NULL);
	read_text("1000 10 first");
	assert_int_equal(perf_map_functions(map), 0);
	read_text("");
	assert_int_equal(perf_map_functions(map), 0);
	assert_name(0x1000, NULL);
}

static void later_lines_win(void **state)
{
	(void)state;
	read_text("1000 100 old\n1040 10 inner\n1000 100 new\n1080 10 part\n2000 10 a\n2008 10 b\n"
		  "2ff8 10 c\n3000 10 d\n2ffc 8 e\n");
	assert_name(0x1000, "new");
	assert_name(0x1040, "new");
	assert_name(0x107f, "new");
	assert_name(0x1080, "part");
	assert_name(0x1090, "new");
	assert_name(0x2007, "a");
	assert_name(0x2008, "b");
	assert_name(0x2017, "b");
	assert_name(0x2ffb, "c");
	assert_name(0x2ffc, "e");
	assert_name(0x3003, "e");
	assert_name(0x3004, "d");
	assert_name(0x3010, NULL);
}

#define LINES 60u
#define SPAN  300u

/* Random lines in a small space, each address against all lines. */
static void as_a_search_of_all_lines_says(void **state)
{
	char text[LINES * 32], wanted[16];

	(void)state;
	srand(1);
	for (int round = 0; round < 300; round++) {
		uint32_t start[LINES], size[LINES];
		size_t n = 0;
		for (uint32_t i = 0; i < LINES; i++) {
			start[i] = rand() % SPAN;
			size[i] = 1 + rand() % (1 + rand() % SPAN);
			n += sprintf(text + n, "%x %x f%u\n", start[i], size[i], i);
		}
		read_text(text);
		for (uint32_t at = 0; at < 2 * SPAN + 2; at++) {
			int found = -1;
			for (uint32_t i = 0; i < LINES; i++)
				if (at >= start[i] && at - start[i] < size[i])
					found = i;
			sprintf(wanted, "f%d", found);
			assert_name(at, found < 0 ? NULL : wanted);
		}
	}
}

/* 20 000 of them: none does harm, whatever it says. Sanitizers see to that. */
static void mutated_maps(void **state)
{
	static const char base[] = "326a53b9c8b6 11 JS:~step1 /tmp/chain.js:21:15\n"
				   "7fde1efc5b80 188 JS:^step20 /tmp/chain.js:2:16\n"
				   "0x00007f4d24ed2180 0x0000000000000218 int Chain.step20(int)\n"
				   "7fe3bc2ed7bc b py::step1:/tmp/chain.py\n"
				   "18c4000 300 Builtin:DeoptimizationEntry_Eager\n";
	static const char nasty[] = "\n \t0fF-x\0\xff:";
	char text[2 * sizeof(base)];
	size_t name;

	(void)state;
	srand(2);
	for (int round = 0; round < 20000; round++) {
		size_t n = sizeof(base) - 1;
		memcpy(text, base, n);
		for (int i = rand() % 12; i >= 0; i--) {
			size_t at = rand() % n, from = rand() % n, run = rand() % 20;
			if (rand() % 3)
				text[at] = nasty[rand() % (sizeof(nasty) - 1)];
			else if (at + run <= n && from + run <= n)
				memmove(text + at, text + from, run);
		}
		if (rand() % 4 == 0)
			n = rand() % n;
		assert_int_equal(read_bytes(text, n), 0);
		for (int i = 0; i < 8; i++) {
			const char *found =
				perf_map_find(map, (uint64_t)rand() << (rand() % 34), &name);
			if (found)
				assert_true(name && name < n);
		}
		assert_true(perf_map_functions(map) <= n / 6 + 1);
	}
}

/* Nested lines, in the order that is worst for what covers an address. */
static void many_lines_over_each_other(void **state)
{
	enum { n = 100000 };
	char *text = malloc(n * 32), wanted[16];
	size_t used = 0;

	(void)state;
	for (int i = 0; i < n; i++)
		used += sprintf(text + used, "%x %x f%d\n", 0x100000 + i, 2 * (n - i), i);
	assert_int_equal(read_bytes(text, used), 0);
	assert_int_equal(perf_map_functions(map), n);
	for (int i = 0; i < n; i += 997) {
		sprintf(wanted, "f%d", i);
		assert_name(0x100000 + i, wanted);
	}
	assert_name(0x100000 + n, "f99999");
	assert_name(0x100000 + n + 1, "f99998");
	free(text);
}

static void too_large_is_refused(void **state)
{
	int fd = memfd_create("map", MFD_CLOEXEC);
	size_t n = 6 * (LIMIT_PERF_LINES + 1);
	char *text = malloc(n);
	struct perf_map *none = (void *)1;

	(void)state;
	assert_int_equal(ftruncate(fd, LIMIT_PERF_MAP + 1), 0);
	assert_int_equal(perf_map_read(fd, &none), -E2BIG);
	assert_null(none);
	close(fd);
	for (size_t i = 0; i < n; i += 6)
		memcpy(text + i, "1 1 a\n", 6);
	assert_int_equal(read_bytes(text, n), -E2BIG);
	assert_int_equal(read_bytes(text, n - 6), 0);
	assert_name(1, "a");
	free(text);
	assert_int_equal(perf_map_read(-1, &none), -EBADF);
}

/* What the reader did with the descriptor before does not matter. */
static void read_from_its_begin(void **state)
{
	int fd = memfd_create("map", MFD_CLOEXEC);
	struct perf_map *again;

	(void)state;
	assert_int_equal(write(fd, "1000 10 a\n", 10), 10);
	assert_int_equal(perf_map_read(fd, &again), 0);
	assert_int_equal(perf_map_functions(again), 1);
	perf_map_free(again);
	assert_int_equal(write(fd, "1010 10 b\n", 10), 10);
	assert_int_equal(perf_map_read(fd, &again), 0);
	assert_int_equal(perf_map_functions(again), 2);
	perf_map_free(again);
	perf_map_free(NULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(what_makes_no_sense_is_left_out),
		cmocka_unit_test(a_line_without_an_end_is_still_being_written),
		cmocka_unit_test(later_lines_win),
		cmocka_unit_test(as_a_search_of_all_lines_says),
		cmocka_unit_test(mutated_maps),
		cmocka_unit_test(many_lines_over_each_other),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(read_from_its_begin),
	};

	return cmocka_run_group_tests(tests, NULL, fini);
}
