/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where output may go, and what stays untouched: a scratch folder, and the machine's own links. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "output/sink.h"

static char folder[] = "/tmp/cpprof-sink.XXXXXX";
static struct sink sink;

static int enter(void **state)
{
	(void)state;
	alarm(20); /* an open that waits for ever */
	return !mkdtemp(folder) || chdir(folder) < 0;
}

static int leave(void **state)
{
	(void)state;
	static const char *const names[] = {
		"file", "gone", "link", "fifo", "block", "socket", "dir", "dirlink", "nulllink"};
	if (chdir(folder) < 0)
		return 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		remove(names[i]);
	return chdir("/") < 0 || rmdir(folder) < 0; /* nothing else may be left in it */
}

static int open_of(const char *path)
{
	int error = sink_open(&sink, path, 1);
	int probed = sink_probe(path, 1);
	if (error)
		assert_int_equal(sink.fd, -1);
	if (error != -ENXIO)
		assert_int_equal(probed, error);
	return error;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(open_of(path), 0);
	assert_int_equal(sink_write(&sink, text, strlen(text)), 0);
	assert_int_equal(sink_commit(&sink), 0);
}

static void assert_holds(const char *path, const char *text)
{
	char found[64];
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	assert_true(fd >= 0);
	ssize_t n = read(fd, found, sizeof(found));
	close(fd);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(found, text, n);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
	(void)state;
	put("file", "first");
	assert_holds("file", "first");
	assert_int_equal(open_of("file"), 0);
	assert_int_equal(sink_write(&sink, "sec", 3), 0);
	assert_holds("file", "first");
	sink_abort(&sink);
	assert_holds("file", "first");
}

static void a_link_is_replaced_and_not_followed(void **state)
{
	struct stat st;
	(void)state;
	put("file", "victim");
	assert_int_equal(symlink("file", "link"), 0);
	put("link", "ours");
	assert_holds("file", "victim");
	assert_holds("link", "ours");
	assert_int_equal(unlink("link"), 0);
	assert_int_equal(symlink("gone", "link"), 0);
	put("link", "ours");
	assert_holds("link", "ours");
	assert_int_equal(lstat("gone", &st), -1);
}

/* As root, a file could be renamed over /dev/stdout: then no program of the machine has one. */
static void names_of_stdout_are_stdout(void **state)
{
	static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
	struct stat before, after;
	(void)state;
	assert_int_equal(lstat("/dev/stdout", &before), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(sink_is_stdout(names[i]));
		assert_int_equal(sink_open(&sink, names[i], 0), 0);
		assert_true(sink.is_stdout);
		assert_int_equal(sink.fd, STDOUT_FILENO);
		assert_string_equal(sink.temporary, "");
		assert_int_equal(sink_commit(&sink), 0);
	}
	assert_int_equal(lstat("/dev/stdout", &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	assert_false(sink_is_stdout("/dev/fd/10"));
	assert_false(sink_is_stdout("stdout"));
}

static void the_machines_links_stay(void **state)
{
	(void)state;
	assert_int_equal(open_of("/dev/stderr"), -ELOOP);
	assert_int_equal(open_of("//dev//stdin"), -ELOOP);
	assert_int_equal(open_of("/dev/fd/2"), -ELOOP);
	assert_int_equal(open_of("/proc/self/exe"), -ELOOP); /* though it is a regular file's */
	assert_int_equal(open_of("/proc/self/cwd"), -ELOOP);
	assert_int_equal(chdir("/dev"), 0);
	assert_int_equal(open_of("stderr"), -ELOOP);
	assert_int_equal(chdir(folder), 0);
}

static void what_is_no_file_is_refused(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	(void)state;
	assert_int_equal(open_of(""), -ENOENT);
	assert_int_equal(open_of("none/file"), -ENOENT);
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(open_of("dir"), -EISDIR);
	assert_int_equal(symlink("dir", "dirlink"), 0);
	assert_int_equal(open_of("dirlink"), -EISDIR);
	assert_int_equal(symlink("/dev/null", "nulllink"), 0);
	assert_int_equal(open_of("nulllink"), -ELOOP);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(open_of("socket"), -ENOTSUP);
	close(fd);
	if (mknod("block", S_IFBLK | 0600, makedev(7, 200)) == 0)
		assert_int_equal(open_of("block"), -ENOTSUP);
}

static void a_device_is_written_as_it_comes(void **state)
{
	struct stat st;
	(void)state;
	put("/dev/null", "text");
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void a_fifo_needs_its_reader(void **state)
{
	char found[8];
	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(open_of("fifo"), -ENXIO); /* and does not wait for one */
	struct pollfd reader = {open("fifo", O_RDONLY | O_NONBLOCK), POLLIN, 0};
	assert_true(reader.fd >= 0);
	assert_int_equal(sink_probe("fifo", 1), 0);
	assert_int_equal(poll(&reader, 1, 0), 0); /* no end of file for it */
	assert_int_equal(sink_open(&sink, "fifo", 1), 0);
	assert_int_equal(fcntl(sink.fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(sink_write(&sink, "text", 4), 0);
	assert_int_equal(sink_commit(&sink), 0);
	assert_int_equal(read(reader.fd, found, sizeof(found)), 4);
	close(reader.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_replaced_as_a_whole),
		cmocka_unit_test(a_link_is_replaced_and_not_followed),
		cmocka_unit_test(names_of_stdout_are_stdout),
		cmocka_unit_test(the_machines_links_stay),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_device_is_written_as_it_comes),
		cmocka_unit_test(a_fifo_needs_its_reader),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
