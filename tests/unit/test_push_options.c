/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/push: addresses, labels, and secrets from files and from the environment. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/push/address.h"
#include "config.h"
#include "tests/unit/options_fixture.h"

static char folder[] = "/tmp/cpprof-push.XXXXXX";

/* A command line in which %s is the folder. */
static const char *line(const char *format)
{
	static char out[1024];

	snprintf(out, sizeof(out), format, folder, folder);
	return out;
}

static void put(const char *name, const char *text, size_t n, mode_t mode)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int begin(void **state)
{
	static const char *const names[] = {"TOKEN", "USER", "PASSWORD", "TENANT"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		char name[64];
		snprintf(name, sizeof(name), "CPPROF_PUSH_%s", names[i]);
		unsetenv(name);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (status == 0)
		push_options_forget(&o.push);
	status = 77;
	return 0;
}

/* --- addresses ----------------------------------------------------------------------------- */

static void an_address_is_its_stores_path(void **state)
{
	static const struct {
		const char *text;
		enum push_store store;
		const char *shown, *url;
		int is_https, is_open;
	} v[] = {
		{"pyroscope+http://h:4040", STORE_PYROSCOPE, "pyroscope+http://h:4040",
			"http://h:4040/push.v1.PusherService/Push", 0, 1},
		{"pyroscope+https://h/", STORE_PYROSCOPE, "pyroscope+https://h",
			"https://h/push.v1.PusherService/Push", 1, 0},
		{"pyroscope+http://127.0.0.1:1/a/b//", STORE_PYROSCOPE,
			"pyroscope+http://127.0.0.1:1/a/b",
			"http://127.0.0.1:1/a/b/push.v1.PusherService/Push", 0, 0},
		{"parca+http://[::1]:7070", STORE_PARCA, "parca+http://[::1]:7070",
			"http://[::1]:7070/api/profiles/writeraw", 0, 0},
		{"parca+https://h.example/p", STORE_PARCA, "parca+https://h.example/p",
			"https://h.example/p/api/profiles/writeraw", 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct address a;
		const char *why;
		assert_int_equal(address_parse(&a, v[i].text, &why), 0);
		assert_int_equal(a.store, v[i].store);
		assert_string_equal(a.shown, v[i].shown);
		assert_string_equal(a.url, v[i].url);
		assert_int_equal(a.is_https, v[i].is_https);
		assert_int_equal(a.is_open, v[i].is_open);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"", "h:4040", "http://h", "pyroscope://h",
		"pyroscope+ftp://h", "pyroscope+HTTP://h", "loki+http://h", "parca+http://",
		"parca+http://h:99999", "parca+http://h:x", "parca+http:///p"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *words[] = {"cpprof-attach", "-p", "1", "-push", (char *)bad[i]};
		assert_true(parse_v(5, words) < 0);
		assert_int_equal(status, 2);
		assert_non_null(strstr(said, "give "));
	}
	char *split[] = {"cpprof-attach", "-p", "1", "-push", "parca+http://h/\r\nX: y"};
	assert_true(parse_v(5, split) < 0);
	refused("-p 1 -push parca+http://h/?a=b", "leave out");
	refused("-p 1 -push parca+http://h/#a", "leave out");
	refused("-p 1 -push parca+http://me:secret@h", "-push-auth FILE");
	assert_null(strstr(said, "secret"));
	refused("-p 1 -push parca+http://me@h", "-push-auth FILE");
	refused("-p 1 -push parca+http://h -push parca+http://h", "twice");
	refused("-p 1 -push parca+http://a -push parca+http://b -push parca+http://c -push "
		"parca+http://d -push parca+http://e",
		"more than 4");
	refused("-dump -p 1 -push parca+http://h", "leave out -push");
	refused("-replay x -push parca+http://h", "leave out -push");
	refused("-p 1 -save-raw x -push parca+http://h", "leave out -push");
}

/* --- labels and tenants -------------------------------------------------------------------- */

static void labels_are_checked(void **state)
{
	static char text[8192];

	(void)state;
	accepted(
		"-p 1 -push parca+http://h -label a=1 -label _B9=x=y -label service_name=\xc3\xa4");
	assert_int_equal(o.push.n_labels, 3);
	assert_string_equal(o.push.labels[1].text, "_B9=x=y");
	assert_int_equal(o.push.labels[1].name_length, 3);
	refused("-p 1 -push parca+http://h -label a", "give NAME=VALUE");
	refused("-p 1 -push parca+http://h -label =x", "its name");
	refused("-p 1 -push parca+http://h -label 9a=x", "its name");
	refused("-p 1 -push parca+http://h -label a-b=x", "its name");
	refused("-p 1 -push parca+http://h -label a.b=x", "its name");
	refused("-p 1 -push parca+http://h -label __name__=x", "begin with __");
	refused("-p 1 -push parca+http://h -label a=", "without a value");
	refused("-p 1 -push parca+http://h -label a=\xff", "UTF-8");
	refused("-p 1 -push parca+http://h -label a=x\ry", "control");
	refused("-p 1 -push parca+http://h -label a=1 -label a=2", "given twice");
	refused("-p 1 -label a=1", "give -push URL");
	memset(text, 'v', 2050);
	memcpy(text, "a=", 2);
	char *words[] = {"cpprof-attach", "-p", "1", "-push", "parca+http://h", "-label", text};
	assert_int_equal(parse_v(7, words), 0);
	text[2050] = 'v';
	assert_true(parse_v(7, words) < 0);
	memset(text, 'n', 1024);
	strcpy(text + 1024, "=v");
	assert_int_equal(parse_v(7, words), 0);
	strcpy(text + 1024, "n=v");
	assert_true(parse_v(7, words) < 0);
}

static void more_labels_than_pyroscope_takes(void **state)
{
	char text[1024] = "-p 1 -push parca+http://h";

	(void)state;
	for (int i = 0; i < 22; i++)
		snprintf(text + strlen(text), 32, " -label l%d=1", i);
	accepted(text);
	strcat(text, " -label last=1");
	refused(text, "more than 22");
}

static void a_tenant_is_a_header(void **state)
{
	static char text[200];

	(void)state;
	accepted("-p 1 -push parca+http://h -tenant team-1|team-2");
	assert_string_equal(o.push.to[0].tenant, "team-1|team-2");
	memset(text, 't', 150);
	char *words[] = {"cpprof-attach", "-p", "1", "-push", "parca+http://h", "-tenant", text};
	assert_int_equal(parse_v(7, words), 0);
	text[150] = 't';
	assert_true(parse_v(7, words) < 0);
	strcpy(text, "a\r\nX: y");
	assert_true(parse_v(7, words) < 0);
	assert_non_null(strstr(said, "a tenant"));
	refused("-p 1 -tenant t", "give -push URL");
	setenv("CPPROF_PUSH_TENANT", "of-env", 1);
	accepted("-p 1 -push parca+http://h");
	assert_string_equal(o.push.to[0].tenant, "of-env");
	accepted("-p 1 -push parca+http://h -tenant own");
	assert_string_equal(o.push.to[0].tenant, "own");
	setenv("CPPROF_PUSH_TENANT", "two words", 1);
	refused("-p 1 -push parca+http://h", "CPPROF_PUSH_TENANT");
}

/* --- secrets ------------------------------------------------------------------------------- */

static void a_secret_comes_from_a_file(void **state)
{
	(void)state;
	put("bearer", "Bearer to.k-en_1\n", 17, 0600);
	put("basic", "basic user:pass word:x", 22, 0440);
	accepted(line("-p 1 -push parca+https://h -push-auth %s/bearer"));
	assert_string_equal(o.push.to[0].authorization, "Authorization: Bearer to.k-en_1");
	push_options_forget(&o.push);
	assert_null(o.push.to[0].authorization);
	accepted(line("-p 1 -push-auth %s/basic -push parca+https://h"));
	assert_string_equal(
		o.push.to[0].authorization, "Authorization: Basic dXNlcjpwYXNzIHdvcmQ6eA==");
}

static void a_secret_is_for_the_push_before_it(void **state)
{
	(void)state;
	accepted(line("-p 1 -push-auth %s/bearer -tenant all -push parca+https://a -push "
		      "parca+https://b -push-auth %s/basic -tenant own -push parca+https://c"));
	assert_non_null(strstr(o.push.to[0].authorization, "Bearer"));
	assert_non_null(strstr(o.push.to[1].authorization, "Basic"));
	assert_non_null(strstr(o.push.to[2].authorization, "Bearer"));
	assert_string_equal(o.push.to[0].tenant, "all");
	assert_string_equal(o.push.to[1].tenant, "own");
	push_options_forget(&o.push);
	accepted(line("-p 1 -push parca+https://a -push-auth %s/basic -push parca+https://b"));
	assert_null(o.push.to[1].authorization);
}

static void a_bad_file_is_told(void **state)
{
	static char much[5000];
	static const struct {
		const char *text;
		size_t n;
	} bad[] = {{"", 0}, {"token", 5}, {"bearer ", 7}, {"bearer a b", 10}, {"basic user", 10},
		{"basic :p", 8}, {"bearer a\nbearer b\n", 18}, {"bearer a\rX: y", 13},
		{"bearer a\0b", 10}, {"digest a:b", 10}, {"basic u:\x1b", 9}, {much, sizeof(much)}};

	(void)state;
	memset(much, 'x', sizeof(much));
	memcpy(much, "bearer ", 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put("bad", bad[i].text, bad[i].n, 0600);
		refused(line("-p 1 -push parca+https://h -push-auth %s/bad"), "bearer TOKEN");
	}
	refused(line("-p 1 -push parca+https://h -push-auth %s/none"), "No such file");
	put("open", "bearer secret\n", 14, 0644);
	refused(line("-p 1 -push parca+https://h -push-auth %s/open"), "chmod 600");
	assert_null(strstr(said, "secret\n"));
	put("open", "bearer x\n", 9, 0602);
	refused(line("-p 1 -push parca+https://h -push-auth %s/open"), "chmod 600");
	refused(line("-p 1 -push-auth %s/bearer"), "give -push URL");
}

static void a_pipe_has_no_other_readers(void **state)
{
	int pair[2];
	char text[128];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "bearer piped\n", 13), 13);
	close(pair[1]);
	snprintf(text, sizeof(text),
		"-p 1 -push-auth /dev/fd/%d -push parca+https://a -push parca+https://b", pair[0]);
	accepted(text);
	assert_string_equal(o.push.to[0].authorization, "Authorization: Bearer piped");
	assert_string_equal(o.push.to[1].authorization, "Authorization: Bearer piped");
	close(pair[0]);
}

static void a_secret_leaves_the_environment(void **state)
{
	static char variable[] = "CPPROF_PUSH_TOKEN=token-1";

	(void)state;
	putenv(variable);
	accepted("-p 1 -push parca+https://h");
	assert_string_equal(o.push.to[0].authorization, "Authorization: Bearer token-1");
	assert_null(getenv("CPPROF_PUSH_TOKEN"));
	assert_null(strstr(variable, "token"));
	push_options_forget(&o.push);
	setenv("CPPROF_PUSH_USER", "user", 1);
	setenv("CPPROF_PUSH_PASSWORD", "pass word:x", 1);
	accepted("-p 1 -push parca+https://h");
	assert_string_equal(
		o.push.to[0].authorization, "Authorization: Basic dXNlcjpwYXNzIHdvcmQ6eA==");
	assert_null(getenv("CPPROF_PUSH_PASSWORD"));
}

static void environments_that_are_refused(void **state)
{
	(void)state;
	setenv("CPPROF_PUSH_USER", "user", 1);
	refused("-p 1 -push parca+https://h", "set both");
	setenv("CPPROF_PUSH_PASSWORD", "p", 1);
	setenv("CPPROF_PUSH_TOKEN", "t", 1);
	refused("-p 1 -push parca+https://h", "unset one");
	setenv("CPPROF_PUSH_TOKEN", "a\r\nX: y", 1);
	refused("-p 1 -push parca+https://h", "without blanks");
	setenv("CPPROF_PUSH_USER", "a:b", 1);
	setenv("CPPROF_PUSH_PASSWORD", "p", 1);
	refused("-p 1 -push parca+https://h", "in the user");
	setenv("CPPROF_PUSH_TOKEN", "t", 1);
	refused("-p 1 -push parca+https://a -push parca+https://b", "would go to 2 places");
	setenv("CPPROF_PUSH_TOKEN", "t", 1);
	accepted(line("-p 1 -push parca+https://a -push parca+https://b -push-auth %s/bearer"));
	assert_string_equal(o.push.to[0].authorization, "Authorization: Bearer t");
	assert_non_null(strstr(o.push.to[1].authorization, "to.k-en_1"));
}

static void a_secret_in_clear_is_told(void **state)
{
	(void)state;
	setenv("CPPROF_PUSH_TOKEN", "t", 1);
	assert_int_equal(parse("-p 1 -push parca+http://far.example"), 0);
	assert_non_null(strstr(said, "in clear"));
	push_options_forget(&o.push);
	setenv("CPPROF_PUSH_TOKEN", "t", 1);
	accepted("-p 1 -push parca+http://127.0.0.1:7070");
}

static void authorities_are_for_https(void **state)
{
	(void)state;
	put("ca", "x", 1, 0644);
	accepted(line("-p 1 -push parca+https://h -push-ca %s/ca"));
	assert_string_equal(strrchr(o.push.to[0].ca, '/'), "/ca");
	refused(line("-p 1 -push parca+http://h -push-ca %s/ca"), "without https");
	refused(line("-p 1 -push parca+https://h -push-ca %s/none"), "No such file");
}

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

#define T(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_address_is_its_stores_path),
		T(what_is_no_address_is_refused),
		T(labels_are_checked),
		T(more_labels_than_pyroscope_takes),
		T(a_tenant_is_a_header),
		T(a_secret_comes_from_a_file),
		T(a_secret_is_for_the_push_before_it),
		T(a_bad_file_is_told),
		T(a_pipe_has_no_other_readers),
		T(a_secret_leaves_the_environment),
		T(environments_that_are_refused),
		T(a_secret_in_clear_is_told),
		T(authorities_are_for_https),
	};
#ifndef HAVE_CURL
	return 77; /* nothing is pushed by such a build */
#endif
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
