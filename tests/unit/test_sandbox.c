/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/sandbox: a worker or player that tries what it must not do, each call in a process of its
 * own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/sandbox.h"
#include "config.h"

typedef int attempt(void); /* 0: it was allowed; else errno */

static int result(long got)
{
	return got < 0 ? errno : 0;
}

/* What the attempt says in the sandbox; 200 if that cannot be entered. */
static int as(attempt *try, int is_player)
{
	int status;
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *what = "";
		int error = is_player ? sandbox_enter_player(parent, &what)
				      : sandbox_enter(ROLE_WORKER, parent, &what);
		_exit(error ? 200 : try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int as_worker(attempt *try)
{
	return as(try, 0);
}

static int open_file(void)
{
	return result(syscall(SYS_open, "/etc/hostname", O_RDONLY));
}

static int openat_file(void)
{
	return result(syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY, 0));
}

static int make_file(void)
{
	return result(
		syscall(SYS_openat, AT_FDCWD, "/tmp/cpprof-sandbox", O_CREAT | O_WRONLY, 0600));
}

static int read_link(void)
{
	char text[64];

	return result(readlink("/proc/self/exe", text, sizeof(text)));
}

static int make_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int run_program(void)
{
	char *const argv[] = {"true", NULL};

	return result(execve("/bin/true", argv, NULL));
}

static int start_process(void)
{
	return result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int trace_parent(void)
{
	return result(syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0));
}

static int read_parent(void)
{
	char here[8];
	struct iovec to = {here, sizeof(here)}, from = {(void *)&here, sizeof(here)};

	return result(syscall(SYS_process_vm_readv, getppid(), &to, 1, &from, 1, 0));
}

static int kill_parent(void)
{
	return result(kill(getppid(), 0));
}

static int map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int become_root(void)
{
	return result(syscall(SYS_setuid, 0));
}

static int mount_something(void)
{
	return result(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static void what_a_worker_must_not_do_fails(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		attempt *try;
	} rows[] = {{"open", open_file}, {"openat", openat_file}, {"create", make_file},
		{"readlink", read_link}, {"socket", make_socket}, {"execve", run_program},
		{"clone", start_process}, {"ptrace", trace_parent},
		{"process_vm_readv", read_parent}, {"kill", kill_parent},
		{"mmap executable", map_code}, {"setuid", become_root}, {"mount", mount_something}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int got = as_worker(rows[i].try);
		if (got != EACCES)
			print_error("%s: %s\n", rows[i].name,
				got == 200 ? "not entered" : strerror(got));
		assert_int_equal(got, EACCES);
	}
}

static int write_file(void)
{
	return result(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY, 0));
}

static int append_file(void)
{
	return result(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_APPEND, 0));
}

static int make_memory_file(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	return fd < 0 ? errno : result(write(fd, "x", 1));
}

static void a_player_reads_files_and_no_more(void **state)
{
	(void)state;
	static attempt *const forbidden[] = {make_file, write_file, append_file, read_link,
		make_socket, run_program, start_process, trace_parent, read_parent, kill_parent,
		map_code, become_root, mount_something};

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		assert_int_equal(as(forbidden[i], 1), EACCES);
	assert_int_equal(as(openat_file, 1), 0);
	assert_int_equal(as(make_memory_file, 1), 0);
}

/* The same calls are nothing special without a sandbox: the test can fail. */
static void they_are_allowed_outside(void **state)
{
	(void)state;
	assert_int_equal(read_link(), 0);
	assert_int_equal(map_code(), 0);
	assert_int_equal(kill_parent(), 0);
}

static int use_memory_and_files(void)
{
	char byte, *p = malloc(1 << 20);

	if (!p)
		return ENOMEM;
	memset(p, 1, 1 << 20);
	free(p);
	/* A descriptor that it was given may be read. */
	return result(pread(STDIN_FILENO, &byte, 0, 0)) == ESPIPE ? 0 : result(read(0, &byte, 0));
}

static void what_a_worker_needs_works(void **state)
{
	(void)state;
	assert_int_equal(as_worker(use_memory_and_files), 0);
}

/* The rest of the line that begins with key, in a file of /proc/PID. */
static void field(pid_t pid, const char *file, const char *key, char *out, size_t room)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			snprintf(out, room, "%s", line + strlen(key));
	fclose(f);
}

static void expect(pid_t pid, const char *file, const char *key, const char *want)
{
	char found[256];

	field(pid, file, key, found, sizeof(found));
	found[strcspn(found, "\n")] = '\0';
	if (strncmp(found, want, strlen(want)) != 0)
		print_error("%s%s\n", key, found);
	assert_memory_equal(found, want, strlen(want));
}

/* Seen from outside, for the worker itself may not even ask. */
static void ids_and_limits_are_the_least(void **state)
{
	(void)state;
	pid_t parent = getpid();
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const char *what;
		struct timespec longer = {.tv_sec = 60};
		int entered = sandbox_enter(ROLE_WORKER, parent, &what) == 0;
		if (write(ready[1], entered ? "y" : "n", 1) == 1)
			ppoll(NULL, 0, &longer, NULL);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	expect(pid, "status", "CapEff:\t", "0000000000000000");
	expect(pid, "status", "CapPrm:\t", "0000000000000000");
	expect(pid, "status", "NoNewPrivs:\t", "1");
	expect(pid, "status", "Seccomp:\t", "2");
	if (geteuid() == 0)
		expect(pid, "status", "Uid:\t", "65534\t65534\t65534\t65534");
	expect(pid, "limits", "Max file size             ", "0 ");
	expect(pid, "limits", "Max core file size        ", "0 ");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_worker_must_not_do_fails),
		cmocka_unit_test(a_player_reads_files_and_no_more),
		cmocka_unit_test(they_are_allowed_outside),
		cmocka_unit_test(what_a_worker_needs_works),
		cmocka_unit_test(ids_and_limits_are_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
