/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/values: what options take, to the edges, and what the user is told instead. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/values.h"

#define S     1000000000ull
#define N(of) (sizeof(of) / sizeof(*(of)))

static char said[1024];
static int saved;

static void listen(void)
{
	int memory = memfd_create("said", MFD_CLOEXEC);

	saved = dup(2);
	assert_true(memory >= 0 && saved >= 0);
	dup2(memory, 2);
	close(memory);
}

static void listened(void)
{
	ssize_t n = pread(2, said, sizeof(said) - 1, 0);

	dup2(saved, 2);
	close(saved);
	said[n < 0 ? 0 : n] = '\0';
}

/* Told in one line, with the option, what was given and what is wanted. */
static void assert_told(int result, const char *value, const char *wanted)
{
	char expected[256];

	assert_int_equal(result, -EINVAL);
	snprintf(
		expected, sizeof(expected), "cpprof-attach: -x: \"%s\" is not %s\n", value, wanted);
	assert_string_equal(said, expected);
}

static int number(const char *value, long low, long high, long *out)
{
	listen();
	int result = values_number("x", value, low, high, out);
	listened();
	return result;
}

static int duration(const char *value, uint64_t *ns)
{
	listen();
	int result = values_duration("x", value, ns);
	listened();
	return result;
}

static int percent(const char *value, uint32_t *out)
{
	listen();
	int result = values_percent("x", value, out);
	listened();
	return result;
}

static void numbers_up_to_their_bounds(void **state)
{
	static const struct {
		const char *text;
		long number;
	} good[] = {{"-3", -3}, {"0", 0}, {"007", 7}, {"12", 12}};
	static const char *const bad[] = {"", "-4", "13", "1.0", "1e1", "0x1", "3 ", "a", "-",
		"1,2", "9223372036854775808", "-9223372036854775809", "18446744073709551617"};
	long out;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(number(good[i].text, -3, 12, &out), 0);
		assert_int_equal(out, good[i].number);
		assert_string_equal(said, "");
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_told(number(bad[i], -3, 12, &out), bad[i], "a number from -3 to 12");
	assert_int_equal(number("9223372036854775807", 0, INT64_MAX, &out), 0);
	assert_true(out == INT64_MAX);
	assert_told(number("9223372036854775808", 0, INT64_MAX, &out), "9223372036854775808",
		"a number from 0 to 9223372036854775807");
}

static void durations_are_sums_of_parts(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"0", 0}, {"1", S}, {"60", 60 * S}, {"1.5", 3 * S / 2}, {".5", S / 2},
		{"1ms", S / 1000}, {"1s", S}, {"1m", 60 * S}, {"1h", 3600 * S},
		{"1h1m1s500ms", 3661 * S + S / 2}, {"500ms1h", 3600 * S + S / 2}, {"1m30", 90 * S},
		{"0.25h", 900 * S}, {"1m1m", 120 * S}, {"8760h", 31536000 * S},
		{"31536000", 31536000 * S}};
	static const char *const bad[] = {"", "s", "ms", "-1", "1s-1s", "1x", "1d", "1M", "1S",
		"1us", "1 s", "1s ", "nan", "1,5", "5%"};
	static const char *const long_ones[] = {"31536001", "8761h", "8760h1ms", "1e30", "inf"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
		assert_string_equal(said, "");
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_told(duration(bad[i], &ns), bad[i], "a duration such as 60, 1m30s or 0");
	for (size_t i = 0; i < N(long_ones); i++)
		assert_told(
			duration(long_ones[i], &ns), long_ones[i], "a duration of at most a year");
}

/* Every whole millisecond of ten seconds is itself, to the nanosecond that a fraction may lose. */
static void durations_are_exact(void **state)
{
	char text[32];
	uint64_t ns;

	(void)state;
	for (uint64_t ms = 0; ms < 10000; ms++) {
		snprintf(text, sizeof(text), "%d.%03d", (int)ms / 1000, (int)ms % 1000);
		assert_int_equal(values_duration("x", text, &ns), 0);
		assert_in_range(ns + 1, ms * 1000000, ms * 1000000 + 1);
	}
}

static void percentages_are_parts_of_a_million(void **state)
{
	static const struct {
		const char *text;
		uint32_t parts;
	} good[] = {{"2%", 20000}, {"2", 20000}, {"0.5%", 5000}, {"0.01", 100}, {"0.01%", 100},
		{"1.2345", 12345}, {"0.57", 5700}, {"12.5%", 125000}, {"99.99", 999900}, {"100", 0},
		{"100%", 0}};
	static const char *const bad[] = {"", "%", "0", "0%", "0.009", "100.01", "-1", "2%%", "2 %",
		"2%x", "x", "nan", "inf", "1,5", "two"};
	uint32_t parts;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(percent(good[i].text, &parts), 0);
		assert_int_equal(parts, good[i].parts);
		assert_string_equal(said, "");
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_told(percent(bad[i], &parts), bad[i], "a percentage from 0.01 to 100");
}

static void words_are_picked_whole(void **state)
{
	static const char *const words[] = {"none", "symtab", "full"};
	static const char *const bad[] = {"", "no", "nones", "None", "full "};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(values_pick("x", words[i], words, 3, "one of three"), i);
	for (size_t i = 0; i < N(bad); i++) {
		listen();
		int result = values_pick("x", bad[i], words, 3, "one of three");
		listened();
		assert_told(result, bad[i], "one of three");
	}
	listen();
	int result = values_pick("x", "full", words, 2, "one of two");
	listened();
	assert_told(result, "full", "one of two");
}

/* Words come from anywhere, scripts too. */
static void what_was_given_is_escaped(void **state)
{
	uint64_t ns;

	(void)state;
	assert_told(duration("\033[2J", &ns), "\\x1b[2J", "a duration such as 60, 1m30s or 0");
}

static void patterns(void **state)
{
	static const char *const bad[] = {"", "[", "a{2", "(", "12345678"};
	static const char *const good[] = {"a", "^worker-[0-9]+$", "io|rx"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char expected[64];
		listen();
		int result = values_pattern("x", bad[i], 8);
		listened();
		assert_int_equal(result, -EINVAL);
		snprintf(expected, sizeof(expected), "cpprof-attach: -x: \"%s\" is not a", bad[i]);
		assert_memory_equal(said, expected, strlen(expected));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(values_pattern("x", good[i], 64), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(numbers_up_to_their_bounds),
		cmocka_unit_test(durations_are_sums_of_parts),
		cmocka_unit_test(durations_are_exact),
		cmocka_unit_test(percentages_are_parts_of_a_million),
		cmocka_unit_test(words_are_picked_whole),
		cmocka_unit_test(what_was_given_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
