/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stops of processes that change meanwhile: threads that execute another program, that start their
 * successor and end, that are killed while they are held, or that do not come for long.
 *
 *   ROUNDS (60) of stops of each process that goes on by itself; by hand 5000.
 */
#include <errno.h>
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/remote.h"

#define REPORT_FD  90
#define PATIENCE_S 10

/* What the target says of itself. */
static struct report {
	_Atomic uint64_t execs, steps, failed, ended;
	_Atomic uint64_t instruction;
	_Atomic int may_end, is_over;
	_Atomic pid_t pid;
} * report;
static uint64_t rounds = 60;

__attribute__((noinline, used)) static void holds_an_instruction(void)
{
	__asm__ volatile(".globl race_syscall\nrace_syscall: syscall\nnop" ::: "memory");
}
extern const char race_syscall[];

static void rest_us(long us)
{
	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* --- targets --- */

static void *waits(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *spins(void *arg)
{
	for (;;)
		report->steps++;
	return arg;
}

static void thread(void *(*job)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, job, NULL))
		_exit(9);
	pthread_detach(t);
}

static void *executes(void *arg)
{
	rest_us(1 + report->execs % 7 * 500);
	execl("/proc/self/exe", "test_remote_races", "target", NULL);
	_exit(8);
	return arg;
}

static void begins_to_execute(void)
{
	executes(NULL);
}

/* Executes itself again and again, by a thread beside the main one, which waits. */
static void execution(void)
{
	struct epoll_event e;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, REPORT_FD, 0);
	report->instruction = (uintptr_t)race_syscall;
	report->execs++;
	for (int i = 0; i < 3; i++)
		thread(waits);
	thread(spins);
	thread(executes);
	for (;;)
		if (epoll_wait(fd, &e, 1, 1000) != 0)
			report->failed = 1 + errno;
}

static void *lives_shortly(void *arg)
{
	report->steps++;
	thread(lives_shortly);
	return arg;
}

static void succession(void)
{
	for (int i = 0; i < 2; i++)
		thread(lives_shortly);
	waits(NULL);
}

static void crowd(void)
{
	for (int i = 0; i < 6; i++)
		thread(i % 2 ? waits : spins);
	report->instruction = (uintptr_t)race_syscall;
	waits(NULL);
}

/* Its main thread ends, others do not. */
static void orphans(void)
{
	thread(spins);
	thread(waits);
	report->execs++;
	rest_us(report->execs % 10 * 100);
	pthread_exit(NULL);
}

static void *has_a_child(void *arg)
{
	pid_t pid = vfork();

	if (!pid) {
		report->execs = 1;
		while (!report->may_end)
			rest_us(1000);
		_exit(0);
	}
	report->ended += waitpid(pid, NULL, 0) == pid;
	return arg;
}

static void vforks(void)
{
	thread(spins);
	thread(has_a_child);
	waits(NULL);
}

/* --- the test --- */

static void on_alarm(int signal)
{
	(void)signal;
}

static char *file(pid_t pid, const char *name)
{
	static char text[65536];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return "there is none";
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static time_t give_up_at;

static void look_at_the_clock(void *arg)
{
	const struct remote *r = arg;

	if (time(NULL) <= give_up_at)
		return;
	for (uint32_t i = 0; i < r->n + r->n_late; i++)
		print_error("%d of %d, stopped %d\n%s\n", r->v[i].tid, r->pid, r->v[i].is_stopped,
			file(r->v[i].tid, "status"));
	fail_msg("it waits without end, %u and %u late", r->n, r->n_late);
}

static void begin(struct remote *r)
{
	memset(report, 0, sizeof(*report));
	*r = (struct remote){.instruction = (uintptr_t)race_syscall,
		.patience_ms = 50,
		.beat = look_at_the_clock,
		.arg = r};
	give_up_at = time(NULL) + PATIENCE_S;
}

static pid_t started[2];

static pid_t start(void (*target)(void))
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		target();
		_exit(7);
	}
	return started[0] = pid;
}

/* Its parent is another process, which says how it ended. */
static pid_t start_aside(void (*target)(void), int *aside)
{
	report->pid = 0;
	*aside = fork();
	if (!*aside) {
		int status = 0;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		report->pid = start(target);
		while (waitpid(report->pid, &status, 0) < 0)
			;
		report->ended = 1;
		_exit(0);
	}
	while (!report->pid)
		rest_us(100);
	started[1] = *aside;
	return started[0] = report->pid;
}

static void becomes(_Atomic uint64_t *what, uint64_t more, const char *why)
{
	uint64_t want = *what + more;

	for (time_t until = time(NULL) + PATIENCE_S; *what < want; rest_us(1000))
		if (time(NULL) > until)
			fail_msg("%s", why);
}

/* A thread that executes something is not killed with its parent. */
static int end_all(void **arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		if (started[i] > 0)
			kill(started[i], SIGKILL);
		if (started[i] > 0)
			waitpid(started[i], NULL, __WALL);
		started[i] = 0;
	}
	return 0;
}

static void is_nobodys(pid_t pid)
{
	assert_non_null(strstr(file(pid, "status"), "TracerPid:\t0\n"));
}

static void stop_or_not(struct remote *r, pid_t pid, uint64_t round)
{
	static const uint64_t none[6];
	int error = round % 4 == 3 ? remote_stop_one(r, pid) : remote_stop(r, pid);

	if (error && error != -REMOTE_LATE)
		fail_msg("round %lu: %d", round, error);
	if (error)
		return;
	if (round % 2) {
		r->instruction = report->instruction;
		long result = remote_call(r, SYS_getpid, NULL, none);
		/* -EIO: it runs another program by now. */
		if (result != pid && result != -EIO && result != -EAGAIN)
			fail_msg("round %lu: getpid: %ld", round, result);
	}
	remote_release(r);
}

static void a_process_executes_itself(void **arg)
{
	struct remote r;
	pid_t aside;

	(void)arg;
	begin(&r);
	pid_t pid = start_aside(begins_to_execute, &aside);
	becomes(&report->execs, 2, "it does not begin");
	for (uint64_t round = 0; round < rounds; round++) {
		give_up_at = time(NULL) + PATIENCE_S;
		stop_or_not(&r, pid, round);
		if (report->ended)
			fail_msg("round %lu: it has ended", round);
		if (round % 8 == 0)
			becomes(&report->execs, 1, "it stands still");
		else
			rest_us(round * 97 % 1500);
	}
	becomes(&report->execs, 3, "it stands still at the end");
	assert_int_equal(report->failed, 0);
	remote_fini(&r);
}

static void threads_start_their_successor(void **arg)
{
	uint64_t stops = 0;
	struct remote r;

	(void)arg;
	begin(&r);
	pid_t pid = start(succession);
	becomes(&report->steps, 10, "it does not begin");
	for (uint64_t round = 0; round < rounds; round++) {
		give_up_at = time(NULL) + PATIENCE_S;
		int error = remote_stop(&r, pid);
		if (error && error != -REMOTE_LATE)
			fail_msg("round %lu: %d", round, error);
		if (error)
			continue;
		stops++;
		uint64_t steps = report->steps;
		rest_us(1000);
		if (steps != report->steps)
			fail_msg("round %lu of %lu: one runs on", round, stops);
		remote_release(&r);
		becomes(&report->steps, 10, "it stands still");
	}
	assert_true(stops > 0);
	remote_fini(&r);
}

/* A busy machine may be late. */
static void stop_for_sure(struct remote *r, pid_t pid)
{
	int error = -REMOTE_LATE;

	for (int tries = 0; error == -REMOTE_LATE && tries < 100; tries++)
		error = remote_stop(r, pid);
	assert_int_equal(error, 0);
}

/* Its parent is told: nobody of it waits for us. */
static void its_end_is_told(struct remote *r)
{
	for (time_t until = time(NULL) + PATIENCE_S; !report->ended; rest_us(1000)) {
		remote_attend(r);
		if (time(NULL) > until)
			fail_msg("its parent is not told of its end");
	}
}

static void who_is_killed_in_the_stop_ends(void **arg)
{
	struct remote r;
	pid_t aside;

	(void)arg;
	for (uint64_t round = 0; round < 1 + rounds / 6; round++) {
		begin(&r);
		pid_t pid = start_aside(crowd, &aside);
		while (!report->instruction)
			rest_us(100);
		stop_for_sure(&r, pid);
		assert_int_equal(r.n, 7);
		kill(pid, SIGKILL);
		remote_release(&r);
		its_end_is_told(&r);
		assert_int_equal(remote_attend(&r), 0);
		end_all(NULL);
		remote_fini(&r);
	}
}

static void a_main_thread_ends_before_the_others(void **arg)
{
	struct remote r;
	pid_t aside;

	(void)arg;
	for (uint64_t round = 0; round < 1 + rounds / 3; round++) {
		begin(&r);
		report->execs = round;
		pid_t pid = start_aside(orphans, &aside);
		for (int i = 0; i < 6; i++) {
			int error = remote_stop(&r, pid);
			if (error && error != -REMOTE_LATE)
				fail_msg("round %lu: %d", round, error);
			if (!error)
				remote_release(&r);
		}
		becomes(&report->steps, 10, "it stands still");
		kill(pid, SIGKILL);
		its_end_is_told(&r);
		assert_int_equal(r.unreaped, 0);
		end_all(NULL);
		remote_fini(&r);
	}
}

/* The parent of a vfork comes to no stop before its child has ended. */
static void who_does_not_come_holds_nobody(void **arg)
{
	struct remote r;

	(void)arg;
	begin(&r);
	pid_t pid = start(vforks);
	while (!report->execs)
		rest_us(100);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(remote_stop(&r, pid), -REMOTE_LATE);
		assert_int_equal(r.n, 0);
		assert_int_equal(r.n_late, 1);
		becomes(&report->steps, 10, "the others stand still");
	}
	report->may_end = 1;
	for (time_t until = time(NULL) + PATIENCE_S; remote_attend(&r); rest_us(1000))
		assert_true(time(NULL) < until);
	its_end_is_told(&r);
	is_nobodys(pid);
	stop_for_sure(&r, pid);
	remote_release(&r);
	remote_fini(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_process_executes_itself, end_all),
		cmocka_unit_test_teardown(threads_start_their_successor, end_all),
		cmocka_unit_test_teardown(who_is_killed_in_the_stop_ends, end_all),
		cmocka_unit_test_teardown(a_main_thread_ends_before_the_others, end_all),
		cmocka_unit_test_teardown(who_does_not_come_holds_nobody, end_all),
	};
	struct sigaction sa = {.sa_handler = on_alarm};

	if (argc > 1 && !strcmp(argv[1], "target"))
		execution();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (getenv("ROUNDS"))
		rounds = strtoull(getenv("ROUNDS"), NULL, 10);
	sigaction(SIGALRM, &sa, NULL);
	int fd = memfd_create("report", 0);
	if (fd < 0 || dup2(fd, REPORT_FD) < 0 || ftruncate(fd, sizeof(*report)) < 0)
		return 1;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
