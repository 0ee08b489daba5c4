/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of this very process: found, told once, told again when it is another file; what is not
 * to be trusted is not opened. */
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
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/perf_map_file.h"
#include "base/wire.h"

#define PROCESS 3u

static struct target target;
static struct known_modules known;
static struct perf_map_file file;
static int sock, session;
static char path[64], other[64];
static struct wire_message message;

static uint32_t add_module(const char *name, uint32_t process)
{
	struct maps_line line = {.path = (char *)name};
	int is_new;

	return known_modules_number(&known, &line, process, &is_new);
}

static int begin(void **state)
{
	int pair[2];

	(void)state;
	if (wire_pair(pair) != 0)
		return -1;
	sock = pair[0];
	session = pair[1];
	target = (struct target){.pid = getpid(), .pidfd = -1};
	target.proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	snprintf(other, sizeof(other), "/tmp/perf-%d.other", getpid());
	memset(&known, 0, sizeof(known));
	perf_map_file_init(&file);
	add_module("[vsyscall]", PROCESS);
	add_module("", PROCESS + 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	perf_map_file_fini(&file);
	known_modules_fini(&known);
	close(target.proc);
	close(sock);
	close(session);
	unlink(path);
	rmdir(path);
	unlink(other);
	return 0;
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void look(pid_t tid)
{
	perf_map_file_look(&file, &target, tid, &known, PROCESS, sock);
}

static void assert_nothing_said(void)
{
	assert_int_equal(wire_recv(session, &message, 0), 0);
}

static void assert_error(uint32_t module, int error)
{
	assert_int_equal(wire_recv(session, &message, 0), 1);
	const struct tracer_perf_map *m = wire_payload(&message, sizeof(*m));
	assert_int_equal(message.type, TRACER_PERF_MAP);
	assert_non_null(m);
	assert_int_equal(m->module, module);
	assert_int_equal(m->pid, getpid());
	assert_int_equal(m->error, error);
	assert_int_equal(message.fd >= 0, error == 0);
}

static void assert_file(uint32_t module, const char *text)
{
	char found[64] = "";

	assert_error(module, 0);
	assert_int_equal(pread(message.fd, found, sizeof(found) - 1, 0), strlen(text));
	assert_string_equal(found, text);
	close(message.fd);
}

static void nothing_without_such_memory(void **state)
{
	(void)state;
	write_file(path, "1 1 a\n");
	look(getpid());
	assert_nothing_said();
	assert_int_equal(file.folder, -1);
}

static void one_that_is_there(void **state)
{
	(void)state;
	write_file(path, "1 1 a\n");
	uint32_t first = add_module("", PROCESS);
	look(getpid());
	assert_file(first, "1 1 a\n");
	assert_nothing_said();
	look(getpid());
	assert_nothing_said();
	/* New memory of the process needs it, too; another's does not. */
	add_module("[anon:a]", PROCESS + 1);
	uint32_t second = add_module("[anon:a]", PROCESS);
	look(getpid());
	assert_file(second, "1 1 a\n");
	assert_nothing_said();
	/* Also when it is no longer there. */
	unlink(path);
	look(getpid());
	assert_nothing_said();
	uint32_t third = add_module("[anon:b]", PROCESS);
	look(getpid());
	assert_file(third, "1 1 a\n");
	/* Another file in its place is told to all. */
	write_file(path, "2 2 b\n");
	look(getpid());
	assert_file(first, "2 2 b\n");
	assert_file(second, "2 2 b\n");
	assert_file(third, "2 2 b\n");
	assert_nothing_said();
}

static void one_that_comes_later(void **state)
{
	uint32_t module = add_module("", PROCESS);

	(void)state;
	look(getpid());
	assert_error(module, -ENOENT);
	look(getpid());
	assert_nothing_said();
	write_file(path, "1 1 a\n");
	look(getpid());
	assert_file(module, "1 1 a\n");
}

/* By the time that it is looked at: by another thread it will be found. */
static void a_thread_that_has_ended(void **state)
{
	uint32_t module = add_module("", PROCESS);

	(void)state;
	write_file(path, "1 1 a\n");
	look(0x3fffff);
	assert_nothing_said();
	look(getpid());
	assert_file(module, "1 1 a\n");
	uint32_t second = add_module("[anon:a]", PROCESS);
	look(0x3fffff);
	assert_nothing_said();
	look(getpid());
	assert_file(second, "1 1 a\n");
	assert_nothing_said();
}

/* What java does; the folder is all that is left of the process. */
static void one_that_comes_with_the_end(void **state)
{
	uint32_t module = add_module("", PROCESS);

	(void)state;
	look(getpid());
	assert_error(module, -ENOENT);
	write_file(path, "1 1 a\n");
	close(target.proc);
	target.proc = -1;
	look(0);
	assert_file(module, "1 1 a\n");
	look(0);
	assert_nothing_said();
}

/* Nothing is known of a process that was never looked at. */
static void an_end_without_a_begin(void **state)
{
	(void)state;
	add_module("", PROCESS);
	write_file(path, "1 1 a\n");
	look(0);
	assert_nothing_said();
}

static void what_is_not_to_be_trusted(void **state)
{
	uint32_t module = add_module("", PROCESS);

	(void)state;
	write_file(other, "1 1 a\n");
	assert_int_equal(symlink(other, path), 0);
	look(getpid());
	assert_error(module, -ELOOP);
	look(getpid());
	assert_nothing_said();
	unlink(path);
	assert_int_equal(link(other, path), 0);
	look(getpid());
	assert_error(module, -EMLINK);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	look(getpid());
	assert_error(module, -EINVAL);
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0);
	look(getpid());
	assert_nothing_said(); /* the same again */
	unlink(path);
	write_file(path, "");
	assert_int_equal(truncate(path, LIMIT_PERF_MAP + 1), 0);
	look(getpid());
	assert_error(module, -EFBIG);
	assert_int_equal(truncate(path, LIMIT_PERF_MAP), 0);
	look(getpid());
	assert_error(module, 0);
	close(message.fd);
	/* The one before stays in use. */
	unlink(path);
	assert_int_equal(symlink(other, path), 0);
	look(getpid());
	assert_error(module, -ELOOP);
	unlink(path);
	if (geteuid() != 0)
		return;
	write_file(path, "1 1 a\n");
	assert_int_equal(chown(path, 12345, 12345), 0);
	look(getpid());
	assert_error(module, -EPERM);
}

/* Another process had this number before. */
static void one_that_was_left_over(void **state)
{
	uint32_t module = add_module("", PROCESS);
	struct timespec now, up, times[2];

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &up);
	target.stat.start_time = up.tv_sec * sysconf(_SC_CLK_TCK);
	write_file(path, "1 1 a\n");
	clock_gettime(CLOCK_REALTIME, &now);
	times[0] = times[1] = (struct timespec){now.tv_sec - 10, 0};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	look(getpid());
	assert_error(module, -ESTALE);
	write_file(path, "2 2 b\n");
	look(getpid());
	assert_file(module, "2 2 b\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_without_such_memory),
		TEST(one_that_is_there),
		TEST(one_that_comes_later),
		TEST(a_thread_that_has_ended),
		TEST(one_that_comes_with_the_end),
		TEST(an_end_without_a_begin),
		TEST(what_is_not_to_be_trusted),
		TEST(one_that_was_left_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
