/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe and processes that make it hard: filters that kill for the calls it makes, kernels that
 * do not let their code be written, threads that are traced, stopped or end; and its own end at any
 * step. Either it goes in and does no harm, or it is refused and nothing was touched.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/filters.h"
#include "agent/probe/remote_parts.h"
#include "tests/unit/probe_process.h"

/* --- a kernel that refuses to write code --- */

static uint64_t refused_low, refused_high; /* what cannot be written by the file */

ssize_t __real_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at);
long __real_ptrace(int request, pid_t tid, void *address, void *data);
long __wrap_ptrace(int request, pid_t tid, void *address, void *data);

/* Steps until we are killed; 0: never. */
static long steps_left;

static void step(void)
{
	if (steps_left && !--steps_left)
		kill(getpid(), SIGKILL);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	step();
	if (refused_low <= (uint64_t)at && (uint64_t)at < refused_high) {
		errno = EIO;
		return -1;
	}
	return __real_pwrite(fd, bytes, n, at);
}

static int pokes_are_refused, filters_stay, leaves_at_call;
static jmp_buf left;

long __wrap_ptrace(int request, pid_t tid, void *address, void *data)
{
	step();
	if (pokes_are_refused && request == PTRACE_POKEDATA) {
		errno = EIO;
		return -1;
	}
	if (leaves_at_call && request == PTRACE_SYSCALL && !--leaves_at_call)
		longjmp(left, 1);
	/* As a kernel without CONFIG_CHECKPOINT_RESTORE. */
	if (filters_stay && request == PTRACE_SEIZE && (uintptr_t)data & PTRACE_O_SUSPEND_SECCOMP) {
		errno = EINVAL;
		return -1;
	}
	return __real_ptrace(request, tid, address, data);
}

/* --- targets --- */

/* Death for what the probe has to call. */
static void filter(void)
{
	static const int calls[] = {
		SYS_mmap, SYS_memfd_create, SYS_mprotect, SYS_madvise, SYS_munmap};
	struct sock_filter code[16];
	unsigned n = 0, k = sizeof(calls) / sizeof(*calls);

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < k; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], k - i, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_fprog program = {n, code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(9);
}

static int arm(pid_t pid, struct probe_refused *why)
{
	return probe_arm(&probe, pid, plan(4096), why);
}

static void goes_in_and_out(pid_t pid)
{
	static char before[TEXT], now[TEXT];
	uint64_t text = text_sum(pid);
	struct probe_refused why;

	maps_text(pid, before);
	if (arm(pid, &why) < 0)
		fail_msg("cause %u, detail %d", why.cause, why.detail);
	uint64_t n = 0;
	for (int i = 0; i < 500 && n < 50; i++, usleep(2000))
		while (records_next(&probe.records, 1))
			n++;
	assert_true(n >= 50);
	assert_int_equal(probe_disarm(&probe), 0);
	probe_forget(&probe);
	assert_true(text_sum(pid) == text);
	is_as_before(before, maps_text(pid, now), 0);
}

static void is_refused(pid_t pid, enum probe_cause cause)
{
	static char before[TEXT], now[TEXT];
	uint64_t text = text_sum(pid);
	struct probe_refused why;

	maps_text(pid, before);
	assert_int_equal(arm(pid, &why), -1);
	assert_int_equal(why.cause, cause);
	assert_true(text_sum(pid) == text);
	is_as_before(before, maps_text(pid, now), 0);
}

/* --- */

static void a_filter_is_switched_off_for_its_calls(void **arg)
{
	(void)arg;
	pid_t pid = begin(filter);
	if (filters_may_suspend())
		goes_in_and_out(pid);
	else
		is_refused(pid, PROBE_CAUSE_SECCOMP);
	end(pid);
}

static void give_up_admin(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

static void take_admin_back(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[0].effective = data[0].permitted;
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

static void who_may_not_switch_it_off_is_refused(void **arg)
{
	(void)arg;
	pid_t pid = begin(filter);
	give_up_admin();
	is_refused(pid, PROBE_CAUSE_SECCOMP);
	take_admin_back();
	filters_stay = 1;
	is_refused(pid, PROBE_CAUSE_SECCOMP);
	filters_stay = 0;
	end(pid);
}

static void code_that_cannot_be_written_is_poked(void **arg)
{
	(void)arg;
	pid_t pid = begin(NULL);
	refused_low = low, refused_high = high;
	goes_in_and_out(pid);
	refused_low = refused_high = 0;
	end(pid);
}

static void where_nothing_helps_it_is_refused(void **arg)
{
	(void)arg;
	pid_t pid = begin(NULL);
	refused_low = low, refused_high = high;
	pokes_are_refused = 1;
	is_refused(pid, PROBE_CAUSE_MEMORY);
	refused_low = refused_high = pokes_are_refused = 0;
	end(pid);
}

static void who_is_held_by_another_is_refused(void **arg)
{
	int status;

	(void)arg;
	pid_t pid = begin(NULL);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	pid_t other = fork();
	if (!other) {
		is_refused(pid, PROBE_CAUSE_TRACED);
		_exit(0);
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	kill(pid, SIGSTOP);
	for (int i = 0; i < 100 && waitpid(pid, &status, WUNTRACED | WNOHANG) != pid; i++)
		usleep(1000);
	is_refused(pid, PROBE_CAUSE_STOPPED);
	kill(pid, SIGCONT);
	end(pid);
}

/* Killed at any point of a life with the probe: we come to an end. */
static void who_ends_meanwhile_is_let_go(void **arg)
{
	struct probe_refused why;
	int status;
	unsigned seed = 7;

	(void)arg;
	for (int i = 0; i < 30; i++) {
		pid_t pid = begin(NULL), killer = fork();
		if (!killer) {
			usleep(rand_r(&seed) % 1000 + i * 900);
			kill(pid, SIGKILL);
			_exit(0);
		}
		rand_r(&seed);
		int error = arm(pid, &why);
		if (error && why.cause != PROBE_CAUSE_GONE && kill(pid, 0) < 0)
			fail_msg("cause %u, detail %d", why.cause, why.detail);
		assert_int_equal(probe_disarm(&probe), 0);
		probe_forget(&probe);
		waitpid(killer, &status, 0);
		/* As its parent we may have seen its end already. */
		assert_true(waitpid(pid, &status, __WALL) != pid || WIFSIGNALED(status));
		assert_true(kill(pid, 0) < 0);
	}
}

/* Leaves the process in the middle of being armed, before that step of a call. */
static void leave_at_call(pid_t pid, int step)
{
	struct probe_refused why;

	leaves_at_call = step;
	if (!setjmp(left)) {
		arm(pid, &why);
		fail_msg("no call was made");
	}
	remote_set_alarm(&probe.remote, 0);
}

static uint64_t mask_of(pid_t tid)
{
	uint64_t mask;

	assert_int_equal(__real_ptrace(PTRACE_GETSIGMASK, tid, (void *)8, &mask), 0);
	return mask;
}

/* What is left of a thread of which one of us dies before it has made its call, or at its entry
 * (2): who holds it next brings it home, or it comes home by itself. */
static void a_thread_is_brought_home(void **arg)
{
	(void)arg;
	for (int at = 1; at <= 3; at++) {
		pid_t pid = begin(NULL);
		leave_at_call(pid, at);
		struct remote_thread *t = &probe.remote.v[0];
		struct user_regs_struct own = t->regs;
		assert_int_equal(remote_get_regs(pid, &t->regs), 0);
		assert_true(t->regs.rip != own.rip && t->regs.rsp < own.rsp);
		assert_true(mask_of(pid) != 0);
		if (at != 2) {
			assert_int_equal(remote_bring_home(t), 1);
			assert_true(t->regs.rsp == own.rsp && t->regs.rbx == own.rbx);
			assert_int_equal(mask_of(pid), 0);
			assert_int_equal(remote_bring_home(t), 0);
		}
		remote_release(&probe.remote);
		probe_forget(&probe);
		end(pid);
	}
}

/* At each point between two things that it does to the process, or, where the time is short, at
 * some: all of them with STEP=1. */
static void who_is_killed_anywhere_is_cleaned_up_after(void **arg)
{
	static char before[TEXT], now[TEXT];
	const char *asked = getenv("STEP");
	const int step = asked ? atoi(asked) : 7;
	struct probe_refused why;
	struct probe_found found;
	int status = -1, rounds = 0, out = 0, closed = 0;

	(void)arg;
	pid_t pid = begin(NULL);
	uint64_t text = text_sum(pid);
	maps_text(pid, before);
	for (long k = 1 + getpid() % step; status; k += step, rounds++) {
		pid_t tracer = fork();
		if (!tracer) {
			steps_left = k;
			if (arm(pid, &why) == 0)
				probe_disarm(&probe);
			_exit(0);
		}
		assert_int_equal(waitpid(tracer, &status, 0), tracer);
		if (probe_clean(&probe, pid, &found, &why) < 0)
			fail_msg("killed at step %ld: cause %u, detail %d", k, why.cause,
				why.detail);
		out += found.out;
		closed += found.closed;
		assert_int_equal(found.inert, 0);
		assert_true(text_sum(pid) == text);
		is_as_before(before, maps_text(pid, now), k);
	}
	print_message("killed at %d points: taken out %d, closed %d\n", rounds - 1, out, closed);
	assert_true(out > 0);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_is_switched_off_for_its_calls),
		cmocka_unit_test(who_may_not_switch_it_off_is_refused),
		cmocka_unit_test(code_that_cannot_be_written_is_poked),
		cmocka_unit_test(where_nothing_helps_it_is_refused),
		cmocka_unit_test(who_is_held_by_another_is_refused),
		cmocka_unit_test(who_ends_meanwhile_is_let_go),
		cmocka_unit_test(a_thread_is_brought_home),
		cmocka_unit_test(who_is_killed_anywhere_is_cleaned_up_after),
	};

	return cmocka_run_group_tests(tests, process_set_up, NULL);
}
