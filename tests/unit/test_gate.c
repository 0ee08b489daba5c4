/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/serve/gate: whose Host is ours, and which token files are taken. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/serve/gate.h"

/* A browser that a foreign name was made to point here for sends that name. */
static void only_addresses_and_own_names(void **state)
{
	static const char *const ours[] = {"127.0.0.1", "127.0.0.1:6060", "localhost",
		"LocalHost:80", "[::1]", "[::1]:6060", "10.1.2.3:1", "[fe80::1]:1", "db1:6060",
		"DB1", "localhost:"};
	static const char *const foreign[] = {"", "evil.example", "evil.example:6060",
		"localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1:6060.evil", "[::1",
		"[::1]x", "[evil.example]", "localhost:6060:1", "user@localhost", "localhost:80 ",
		" localhost", "1.2.3", "2130706433", "0x7f.1", "::1", "db12"};

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		assert_true(gate_is_own_host(ours[i], "db1"));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		assert_false(gate_is_own_host(foreign[i], "db1"));
	assert_false(gate_is_own_host("db1", ""));
	char name[2048];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(gate_is_own_host(name, "db1"));
}

static char path[] = "/tmp/cpprof-token.XXXXXX";

static char *token_of(const char *content, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	char *token = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	int error = gate_read_token(path, &token);
	assert_true(!error == (token != NULL));
	return token;
}

static void taken(const char *content, const char *wanted)
{
	char *token = token_of(content, 0600);

	assert_string_equal(token, wanted);
	free(token);
}

static void tokens(void **state)
{
	char longest[300];

	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	taken("0123456789abcdef", "0123456789abcdef");
	taken("0123456789abcdef\n", "0123456789abcdef");
	taken("0123456789abcdef\r\nmore\n", "0123456789abcdef");
	taken("A-_.~6789abcdefZ\n", "A-_.~6789abcdefZ");
	assert_null(token_of("0123456789abcde\n", 0600));
	assert_null(token_of("", 0600));
	assert_null(token_of("0123456789abcde/f", 0600));
	assert_null(token_of("0123456789 abcdef", 0600));
	assert_null(token_of("0123456789abcdef", 0640));
	assert_null(token_of("0123456789abcdef", 0604));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[257] = '\0';
	assert_null(token_of(longest, 0600));
	longest[256] = '\0';
	taken(longest, longest);
	unlink(path);
	char *token = NULL;
	assert_int_equal(gate_read_token(path, &token), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_addresses_and_own_names),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
