/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/proc_status: the lines of /proc/PID/status, under a name made to deceive. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/proc_status.h"

static const struct proc_status made = {"Name:\tState:\tZ\n"
					"State:\tS (sleeping)\n"
					"Tgid:\t77\n"
					"Uid:\t1000\t1001\t1002\t1003\n"
					"Gid:\t5\n"
					"NSpid:\t4711\t12\t3\n"
					"SigCgt:\tffffffff00000002\n"
					"Seccomp_filters:\t1\n"
					"x86_Thread_features:\tshstk wrss \n"
					"Threads:\t9"};

static void each_value_is_that_of_its_line(void **state)
{
	(void)state;
	uint64_t mask;
	uint32_t id;

	assert_int_equal(*proc_status_value(&made, "State"), 'S');
	assert_null(proc_status_value(&made, "Name"));
	assert_null(proc_status_value(&made, "tate"));
	assert_null(proc_status_value(&made, "Seccomp"));
	assert_int_equal(proc_status_number(&made, "Tgid"), 77);
	assert_int_equal(proc_status_number(&made, "Seccomp"), 0);
	assert_int_equal(proc_status_last_number(&made, "NSpid"), 3);
	assert_int_equal(proc_status_last_number(&made, "Tgid"), 77);
	assert_int_equal(proc_status_last_number(&made, "State"), 0);
	assert_int_equal(proc_status_last_number(&made, "NStgid"), 0);
	assert_true(proc_status_has(&made, "x86_Thread_features", "shstk"));
	assert_true(proc_status_has(&made, "x86_Thread_features", "wrss"));
	assert_false(proc_status_has(&made, "x86_Thread_features", "shst"));
	assert_false(proc_status_has(&made, "Tgid", "7"));
	assert_int_equal(proc_status_mask(&made, "SigCgt", &mask), 0);
	assert_true(mask == 0xffffffff00000002);
	assert_int_equal(proc_status_mask(&made, "CapEff", &mask), -EINVAL);
	assert_int_equal(proc_status_effective_id(&made, "Uid", &id), 0);
	assert_int_equal(id, 1001);
	assert_int_equal(proc_status_effective_id(&made, "Gid", &id), -EINVAL);
}

static void the_kernels_own_is_read(void **state)
{
	(void)state;
	struct proc_status s;
	uint32_t id;

	assert_int_equal(prctl(PR_SET_NAME, "State:\tZ\nTgid:\t1"), 0);
	assert_int_equal(proc_status_of(getpid(), &s), 0);
	assert_int_equal(*proc_status_value(&s, "State"), 'R');
	assert_int_equal(proc_status_number(&s, "Tgid"), getpid());
	assert_int_equal(proc_status_effective_id(&s, "Gid", &id), 0);
	assert_int_equal(id, getegid());
	assert_int_equal(proc_status_take(-EACCES, &s), -EACCES);
	assert_null(proc_status_value(&s, "State"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_is_that_of_its_line),
		cmocka_unit_test(the_kernels_own_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
