/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/tracer/cpus: the control group's line and its quota, from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/tracer/cpus.h"

static void the_cpu_line_of_version_1_wins(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"4:memory:/m\n1:cpu:/a/b\n0::/z\n",
		"0::/z\n7:cpuacct,cpu:/a/b\n",
		"7:cpu,cpuacct:/a/b",
		"2:cpuacct:/x\n3:cpuset:/y\n1:cpu:/a/b\n",
	};
	char path[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(cpus_group(texts[i], path, sizeof(path)), 1);
		assert_string_equal(path, "/a/b");
	}
}

static void version_2_where_version_1_has_no_cpu(void **state)
{
	(void)state;
	char path[64];

	assert_int_equal(cpus_group("0::/user.slice/x.scope\n", path, sizeof(path)), 2);
	assert_string_equal(path, "/user.slice/x.scope");
	assert_int_equal(cpus_group("3:cpuset:/y\n0::/a:b\n1:name=systemd:/q\n", path, 64), 2);
	assert_string_equal(path, "/a:b");
}

static void no_group(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "\n", "x", "0:", "3:cpuset:/y\n",
		"5:xcpu,cpux:/a\n", "1:cpu:/0123456789abcdef\n"};
	char path[16];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(cpus_group(texts[i], path, sizeof(path)), 0);
}

static void quotas(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double cpus;
	} rows[] = {{"max 100000\n", 0}, {"50000 100000\n", 0.5}, {"250000 100000", 2.5},
		{"-1\n100000\n", 0}, {"150000\n100000\n", 1.5}, {"50000", 0}, {"50000 0", 0},
		{"", 0}, {"junk", 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(cpus_quota(rows[i].text) == rows[i].cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cpu_line_of_version_1_wins),
		cmocka_unit_test(version_2_where_version_1_has_no_cpu),
		cmocka_unit_test(no_group),
		cmocka_unit_test(quotas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
