/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a status file are found by their begin, whatever a thread calls itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/status_text.h"

static void lines_are_found_by_their_begin(void **arg)
{
	const struct status_text s = {"Name:\tState:\tZ\nUmask:\t0022\nState:\tS (sleeping)\n"
				      "MyState:\tX\nx86_Thread_features:\tshstk wrss \nEmpty:\n"};

	(void)arg;
	assert_int_equal(status_text_state(&s), 'S');
	assert_memory_equal(status_text_value(&s, "Name"), "State:\tZ\n", 9);
	assert_null(status_text_value(&s, "Stat"));
	assert_null(status_text_value(&s, "Tgid"));
	assert_true(status_text_has(&s, "x86_Thread_features", "shstk"));
	assert_true(status_text_has(&s, "x86_Thread_features", "wrss"));
	assert_false(status_text_has(&s, "x86_Thread_features", "shst"));
	assert_false(status_text_has(&s, "Empty", "shstk"));
	assert_false(status_text_has(&s, "Tgid", "0022"));
	assert_int_equal(status_text_state(&(struct status_text){"Name:\tx\n"}), '\0');
}

static void a_thread_may_be_called_anything(void **arg)
{
	struct status_text s;

	(void)arg;
	prctl(PR_SET_NAME, "State:\tZ");
	assert_int_equal(status_text_read(&s, getpid(), getpid()), 0);
	assert_int_equal(status_text_state(&s), 'R');
	prctl(PR_SET_NAME, "State:\nZ");
	assert_int_equal(status_text_read_own(&s), 0);
	assert_int_equal(status_text_state(&s), 'R');
	assert_true(status_text_read(&s, getpid(), 0) < 0);
	assert_int_equal(status_text_state(&s), '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found_by_their_begin),
		cmocka_unit_test(a_thread_may_be_called_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
