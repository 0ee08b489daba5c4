/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/serve/listen: which addresses there are, and what is opened for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/serve/listen.h"

static struct listener l;

static void words(void **state)
{
	static const char *const good[] = {":0", ":6060", "localhost:1", "0.0.0.0:65535",
		"[::1]:6060", "unix:/x", "unix:x", "db1.example:80"};
	static const char *const bad[] = {"", ":", "6060", "localhost", ":65536", ":-1", ":x",
		":+1", ": 1", ":1x", "::1:6060", "unix:", "localhost:"};
	char path[200] = "unix:";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(listen_check(good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(listen_check(bad[i]), -EINVAL);
	memset(path + 5, 'x', 108);
	assert_int_equal(listen_check(path), -EINVAL);
	path[5 + 107] = '\0';
	assert_int_equal(listen_check(path), 0);
}

static void this_machine_only(void **state)
{
	struct listener second;
	char where[64];
	unsigned port;

	(void)state;
	assert_int_equal(listen_open(&l, ":0"), 0);
	assert_int_equal(sscanf(l.url, "http://127.0.0.1:%u/", &port), 1);
	assert_int_equal(l.is_open_to_others, 0);
	assert_string_equal(l.host, "");
	snprintf(where, sizeof(where), "127.0.0.1:%u", port);
	assert_int_equal(listen_open(&second, where), -EADDRINUSE);
	assert_int_equal(second.fd, -1);
	listen_close(&l);
	listen_close(&l);
	assert_int_equal(listen_open(&l, where), 0);
	listen_close(&l);
	assert_int_equal(listen_open(&l, "0.0.0.0:0"), 0);
	assert_int_equal(l.is_open_to_others, 1);
	listen_close(&l);
	assert_true(listen_open(&l, "no-such-host.invalid:0") < 0);
}

static int connects(const char *path)
{
	struct sockaddr_storage a = {.ss_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy((char *)&a + sizeof(sa_family_t), path);
	int result = connect(fd, (void *)&a, sizeof(sa_family_t) + strlen(path) + 1);
	close(fd);
	return result == 0;
}

static void by_a_name(void **state)
{
	char folder[] = "/tmp/cpprof-listen.XXXXXX", path[64], where[80], elsewhere[80];
	struct listener second;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(where, sizeof(where), "unix:%s", path);
	umask(0);
	assert_int_equal(listen_open(&l, where), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_string_equal(l.url, where);
	assert_true(connects(path));
	/* One that is alive stays, and so does what is no socket. */
	assert_int_equal(listen_open(&second, where), -EADDRINUSE);
	assert_true(connects(path));
	close(l.fd);
	l.fd = -1;
	assert_false(connects(path));
	assert_int_equal(listen_open(&second, where), 0);
	assert_true(connects(path));
	listen_close(&second);
	assert_int_equal(stat(path, &st), -1);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(listen_open(&second, where), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	snprintf(elsewhere, sizeof(elsewhere), "unix:%s/no/s", folder);
	assert_int_equal(listen_open(&second, elsewhere), -ENOENT);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(this_machine_only),
		cmocka_unit_test(by_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
