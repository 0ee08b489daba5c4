/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls made by the threads of a process that computes, waits, gets signals and has
 * children: they do what they are to do, and it does not notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/remote.h"

#define ROUNDS 150

enum { COMPUTES, SLEEPS, SIGNALLED, READS, WRITES, FORKS, POLLS, STARTS, JOBS };

/* What the target says of itself. */
static struct report {
	_Atomic uint64_t done[JOBS], failed[JOBS];
	_Atomic uint64_t instruction;
	_Atomic int is_over;
} * report;
static int ends[2];

static void check(int job, int is_right)
{
	report->done[job]++;
	report->failed[job] += !is_right;
}

static void *computes(void *arg)
{
	(void)arg;
	while (!report->is_over) {
		uint64_t a = 1, b = 1;
		double x = 1, y = 1;
		for (int i = 0; i < 20000; i++) {
			a = a * 6364136223846793005ull + 1442695040888963407ull;
			b = b * 6364136223846793005ull + 1442695040888963407ull;
			x = x * 1.0000001 + 1e-9;
			y = y * 1.0000001 + 1e-9;
			__asm__ volatile("" : "+r"(b), "+x"(y));
		}
		check(COMPUTES, a == b && x == y);
	}
	return NULL;
}

static void *sleeps(void *arg)
{
	struct timespec ms = {0, 1000000};

	(void)arg;
	while (!report->is_over)
		check(SLEEPS, nanosleep(&ms, NULL) == 0);
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
	report->done[SIGNALLED]++;
}

static void *signalled(void *arg)
{
	struct itimerval often = {{0, 2000}, {0, 2000}};
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (volatile unsigned i = 0; !report->is_over; i++)
		;
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return NULL;
}

static void *reads(void *arg)
{
	unsigned char c, next = 0;

	(void)arg;
	while (read(ends[0], &c, 1) == 1)
		check(READS, c == next++);
	return NULL;
}

static void *writes(void *arg)
{
	struct timespec ms = {0, 1000000};
	unsigned char c = 0;

	(void)arg;
	for (; !report->is_over; nanosleep(&ms, NULL))
		check(WRITES, write(ends[1], &c, 1) == 1), c++;
	close(ends[1]);
	return NULL;
}

static void *forks(void *arg)
{
	sigset_t set;
	int status;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!report->is_over) {
		pid_t pid = fork();
		if (!pid)
			_exit(7);
		check(FORKS, waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	}
	return NULL;
}

static void *polls(void *arg)
{
	struct epoll_event e;
	int fd = epoll_create1(0);

	(void)arg;
	while (!report->is_over)
		check(POLLS, epoll_wait(fd, &e, 1, 5) == 0);
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *starts(void *arg)
{
	void *back;
	pthread_t t;

	while (!report->is_over)
		check(STARTS, !pthread_create(&t, NULL, nothing, &back) &&
				      !pthread_join(t, &back) && back == &back);
	return arg;
}

static void target(void)
{
	static void *(*const jobs[])(void *) = {
		computes, sleeps, signalled, reads, writes, forks, polls, starts};
	pthread_t t[JOBS];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	/* The kernel queues even an ignored signal while a thread is traced, and who takes it may
	 * find its call interrupted: that one waits for children. */
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGALRM, on_signal);
	for (int i = 0; i < JOBS; i++)
		pthread_create(&t[i], NULL, jobs[i], NULL);
	for (int i = 0; i < JOBS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static char *file(pid_t pid, const char *name)
{
	static char text[2][65536];
	static int turn;
	char path[64], *out = text[turn = !turn];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	out[fread(out, 1, sizeof(text[0]) - 1, f)] = '\0';
	fclose(f);
	return out;
}

static uint64_t long_at(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 16);
}

__attribute__((noinline, used)) static void holds_an_instruction(void)
{
	__asm__ volatile(".globl test_syscall\ntest_syscall: syscall\nnop" ::: "memory");
}
extern const char test_syscall[];

static void calls(struct remote *r, pid_t pid)
{
	static const uint64_t none[6];
	uint64_t map[6] = {0, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};

	assert_int_equal(remote_call(r, SYS_getpid, NULL, none), pid);
	long at = remote_call(r, SYS_mmap, NULL, map);
	assert_true(at > 0);
	assert_int_equal(remote_call(r, SYS_munmap, NULL, (uint64_t[6]){at, 65536}), 0);
	assert_int_equal(remote_call(r, SYS_close, NULL, (uint64_t[6]){12345}), -EBADF);
}

static void a_busy_process_does_not_notice(void **arg)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct remote r = {.instruction = (uintptr_t)test_syscall};
	struct timespec pause = {0, 3000000};
	uint64_t before[JOBS];
	int status, late = 0;

	(void)arg;
	sigaction(SIGALRM, &sa, NULL);
	report = mmap(
		NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		target();
	}
	close(ends[1]);
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	uint64_t blocked = long_at(file(pid, "status"), "SigBlk:");
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(before, report->done, sizeof(before));
		int error = remote_stop(&r, pid);
		late += error == -REMOTE_LATE;
		if (error && error != -REMOTE_LATE)
			fail_msg("round %d: %d", round, error);
		if (error)
			continue;
		assert_true(r.n >= JOBS + 1);
		calls(&r, pid);
		uint64_t now = report->done[COMPUTES];
		assert_int_equal(now, report->done[COMPUTES]); /* it stands still */
		remote_release(&r);
		nanosleep(&pause, NULL);
	}
	assert_true(late < ROUNDS / 4);
	for (int i = 0; i < JOBS; i++) {
		if (report->failed[i])
			fail_msg("job %d failed %lu times of %lu", i, report->failed[i],
				report->done[i]);
		for (int tries = 0; report->done[i] < 20 && tries < 5000; tries++)
			nanosleep(&pause, NULL);
		assert_true(report->done[i] >= 20);
	}
	assert_int_equal(long_at(file(pid, "status"), "SigBlk:"), blocked);
	assert_int_equal(long_at(file(pid, "status"), "TracerPid:"), 0);
	report->is_over = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	remote_fini(&r);
}

/* Its only thread is always in some call. */
static void waits_in_turn(int in, int out)
{
	struct epoll_event e;
	struct pollfd p = {.fd = in, .events = POLLIN};
	struct timespec t = {0, 30000000}, began, ended;
	sigset_t none;
	char c;
	int fd = epoll_create1(0);

	sigemptyset(&none);
	clock_gettime(CLOCK_MONOTONIC, &began);
	check(0, nanosleep(&t, NULL) == 0);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	long us = (ended.tv_sec - began.tv_sec) * 1000000 + (ended.tv_nsec - began.tv_nsec) / 1000;
	check(1, us >= 30000);
	check(2, ppoll(&p, 1, &t, &none) == 0);
	check(3, epoll_wait(fd, &e, 1, 30) == 0);
	close(fd);
	check(4, write(out, "x", 1) == 1 && read(in, &c, 1) == 1 && c == 'y');
}

static void stop_and_call(struct remote *r, pid_t pid)
{
	int error;

	/* A busy machine may be late. */
	for (int tries = 0; (error = remote_stop(r, pid)) == -REMOTE_LATE && tries < 100; tries++)
		;
	assert_int_equal(error, 0);
	calls(r, pid);
	remote_release(r);
}

static void a_waiting_process_goes_on_waiting(void **arg)
{
	struct remote r = {.instruction = (uintptr_t)test_syscall};
	int to[2], from[2], status;
	char c = 0;

	(void)arg;
	memset(report, 0, sizeof(*report));
	assert_int_equal(pipe(to) | pipe(from), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!report->is_over)
			waits_in_turn(to[0], from[1]);
		_exit(0);
	}
	fcntl(from[0], F_SETFL, O_NONBLOCK);
	for (int round = 0; report->done[4] < 5; round++) {
		stop_and_call(&r, pid);
		if (read(from[0], &c, 1) == 1) {
			stop_and_call(&r, pid);
			assert_int_equal(write(to[1], "y", 1), 1);
		}
		/* A wait that begins anew each time has to come to its end. */
		nanosleep(&(struct timespec){0, round % 8 * 6000000}, NULL);
	}
	report->is_over = 1;
	for (int i = 0; i < 5; i++)
		if (report->failed[i])
			fail_msg("wait %d failed %lu times of %lu", i, report->failed[i],
				report->done[i]);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	remote_fini(&r);
}

/* A process that does nothing. */
static pid_t begin_pausing(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void who_is_stopped_or_gone_is_left_alone(void **arg)
{
	struct remote r = {.instruction = (uintptr_t)test_syscall};
	int status;

	(void)arg;
	pid_t pid = begin_pausing();
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	for (int i = 0; i < 3; i++)
		assert_int_equal(remote_stop(&r, pid), -REMOTE_STOPPED);
	for (int tries = 0; !strstr(file(pid, "status"), "T (stopped)"); tries++) {
		assert_true(tries < 1000);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(remote_stop(&r, pid), -REMOTE_GONE);
	assert_int_equal(r.n, 0);
	remote_fini(&r);
}

/* A signal that nobody can block, or see, is not lost in a call. */
static void who_is_to_be_stopped_meanwhile_is(void **arg)
{
	struct remote r = {.instruction = (uintptr_t)test_syscall};
	int status, error;

	(void)arg;
	pid_t pid = begin_pausing();
	for (int round = 0; round < 10; round++) {
		for (int tries = 0; (error = remote_stop(&r, pid)) && tries < 100; tries++)
			assert_int_equal(error, -REMOTE_LATE);
		kill(pid, SIGSTOP);
		if (round % 3 == 1)
			kill(pid, SIGCONT);
		calls(&r, pid);
		if (round % 3 == 2)
			kill(pid, SIGCONT);
		remote_release(&r);
		const char *want = round % 3 ? "S (sleeping)" : "T (stopped)";
		for (int tries = 0; !strstr(file(pid, "status"), want); tries++) {
			if (tries == 2000)
				fail_msg("round %d: %.64s", round, file(pid, "status"));
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		}
		assert_int_equal(long_at(file(pid, "status"), "TracerPid:"), 0);
		kill(pid, SIGCONT);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	remote_fini(&r);
}

static void handles(int signal)
{
	(void)signal;
}

/* Where no instruction is any more nothing is called, and no fault takes the program's handler. */
static void an_old_address_is_not_trusted(void **arg)
{
	static const uint64_t none[6];
	struct remote r = {.instruction = 4096};
	int status, error;

	(void)arg;
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGSEGV, handles);
		for (;;)
			pause();
	}
	while (!(long_at(file(pid, "status"), "SigCgt:") >> (SIGSEGV - 1) & 1))
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	for (int tries = 0; (error = remote_stop(&r, pid)) && tries < 100; tries++)
		assert_int_equal(error, -REMOTE_LATE);
	assert_int_equal(remote_call(&r, SYS_getpid, NULL, none), -EIO);
	r.instruction = (uintptr_t)handles;
	assert_int_equal(remote_call(&r, SYS_getpid, NULL, none), -EIO);
	/* Found, but with a way back by what is none. */
	r.instruction = (uintptr_t)test_syscall;
	r.restore = (uintptr_t)handles;
	assert_int_equal(remote_call(&r, SYS_getpid, NULL, none), pid);
	assert_int_equal(r.restore, 0);
	remote_release(&r);
	assert_true(long_at(file(pid, "status"), "SigCgt:") >> (SIGSEGV - 1) & 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	remote_fini(&r);
}

/* Below a stack whose bounds are not known may be anything. */
static void what_is_below_a_stack_stays(void **arg)
{
	struct remote r = {.instruction = (uintptr_t)test_syscall};
	uint8_t before[512], after[sizeof(before)];
	int status, error;

	(void)arg;
	pid_t pid = begin_pausing();
	for (int tries = 0; (error = remote_stop(&r, pid)) && tries < 100; tries++)
		assert_int_equal(error, -REMOTE_LATE);
	const uint64_t at = r.v[0].regs.rsp - sizeof(before);
	memset(before, 0xa5, sizeof(before));
	assert_int_equal(remote_poke(&r, at, before, sizeof(before)), 0);
	long fd = remote_call(&r, SYS_memfd_create, "a name", (uint64_t[6]){0});
	assert_true(fd > 2);
	struct iovec local = {after, sizeof(after)}, there = {(void *)at, sizeof(after)};
	assert_int_equal(process_vm_readv(pid, &local, 1, &there, 1, 0), sizeof(after));
	assert_memory_equal(after, before, sizeof(before));
	remote_release(&r);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	remote_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_busy_process_does_not_notice),
		cmocka_unit_test(a_waiting_process_goes_on_waiting),
		cmocka_unit_test(who_is_stopped_or_gone_is_left_alone),
		cmocka_unit_test(who_is_to_be_stopped_meanwhile_is),
		cmocka_unit_test(an_old_address_is_not_trusted),
		cmocka_unit_test(what_is_below_a_stack_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
