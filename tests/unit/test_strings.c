/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interned strings: ids, what becomes of bytes that are not UTF-8, the ceiling. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/strings.h"
#include "output/types.h"

#define BAD "\xef\xbf\xbd"

static void strings_have_dense_ids(void **state)
{
	(void)state;
	struct strings *s = strings_new();
	char text[32];
	assert_non_null(s);
	assert_int_equal(strings_count(s), 1);
	assert_int_equal(strings_id(s, ""), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 1; i <= 50000; i++) {
			snprintf(text, sizeof(text), "function_%d", i);
			assert_int_equal(strings_id(s, text), i);
		}
	assert_int_equal(strings_count(s), 50001);
	assert_string_equal(strings_text(s, 1), "function_1");
	assert_string_equal(strings_text(s, 50000), "function_50000");
	assert_string_equal(strings_text(s, 50001), "");
	assert_string_equal(strings_text(s, UINT32_MAX), "");
	strings_free(s);
	strings_free(NULL);
}

static void strings_become_valid_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain", "plain"},
		{"\xc2\x80", "\xc2\x80"}, /* the first and last of each length stay */
		{"\xdf\xbf", "\xdf\xbf"},
		{"\xe0\xa0\x80", "\xe0\xa0\x80"},
		{"\xed\x9f\xbf", "\xed\x9f\xbf"},
		{"\xee\x80\x80", "\xee\x80\x80"},
		{"\xef\xbf\xbf", "\xef\xbf\xbf"},
		{"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"a\x80z", "a" BAD "z"},	       /* continuation alone */
		{"\xc0\xaf", BAD BAD},		       /* overlong */
		{"\xc1\xbf", BAD BAD},		       /* overlong */
		{"\xe0\x9f\xbf", BAD BAD BAD},	       /* overlong */
		{"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, /* overlong */
		{"\xed\xa0\x80", BAD BAD BAD},	       /* surrogate */
		{"\xed\xbf\xbf", BAD BAD BAD},	       /* surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
		{"\xff", BAD},
		{"\xe2\x82", BAD BAD}, /* cut at the end */
		{"\xf0\x9f\x98", BAD BAD BAD},
		{"\xe2\x82g", BAD BAD "g"}, /* cut by another */
		{"\xc3\xc3\xa9", BAD "\xc3\xa9"},
	};
	(void)state;
	struct strings *s = strings_new();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		long id = strings_id(s, cases[i].in);
		assert_true(id > 0);
		assert_string_equal(strings_text(s, id), cases[i].out);
		assert_int_equal(strings_id(s, cases[i].out), id);
	}
	strings_free(s);
}

/* With terminators, 1 + 3 * 64 MiB are taken: a fourth would end one byte past the ceiling. */
static void strings_stop_at_their_ceiling(void **state)
{
	(void)state;
	struct strings *s = strings_new();
	size_t size = LIMIT_STRINGS / 4;
	char *text = malloc(size);
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		text[0] = 'a' + i;
		assert_int_equal(strings_id(s, text), i + 1);
	}
	text[0] = 'd';
	assert_int_equal(strings_id(s, text), -E2BIG);
	assert_int_equal(strings_count(s), 4);
	text[0] = 'b';
	assert_int_equal(strings_id(s, text), 2);
	assert_int_equal(strings_id(s, text + 1), 4); /* one byte shorter: exactly full */
	assert_int_equal(strings_id(s, "q"), -E2BIG);
	assert_int_equal(strings_id(s, ""), 0);
	free(text);
	strings_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_have_dense_ids),
		cmocka_unit_test(strings_become_valid_utf8),
		cmocka_unit_test(strings_stop_at_their_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
