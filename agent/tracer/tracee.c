/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *            seize, interrupt            wait: a stop
 *   free ────────────────────▶ expected ─────────────▶ stopped ──▶ free   (detach)
 *    ▲                          │  │ │
 *    │        wait: ended, ESRCH│  │ │ no stop in time
 *    ├──────────────────────────┘  │ └──────────────▶ late ──(its stop comes)──▶ free
 *    │   wait: ECHILD              │
 *    └── rescue the leader ◀───────┘ ── no stop in time ──▶ late
 *
 * ECHILD: another thread's exec gave this thread the leader's id, so the id we wait for is gone and
 * the *leader* carries our interrupt. A detach that fails with ESRCH: the thread was killed by a
 * sibling's exec, which now waits for us to reap it. Both must be repaired before any other call.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "agent/tracer/call.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/tracee.h"
#include "base/limits.h"
#include "base/now.h"

/* The alarm that ends a wait comes after the wait's deadline, and not before. It is set anew only
 * when it could come too early, so that sampling costs neither a call per stop nor an alarm now and
 * then; it goes on coming in case one falls just before a wait begins. */
static void set_alarm(uint64_t now)
{
	static uint64_t set_at;
	const long wait_us = LIMIT_STOP_WAIT_MS * 1000, early_us = wait_us / 2;
	struct itimerval t = {{0, wait_us}, {0, wait_us + early_us}};

	if (set_at && now - set_at < (uint64_t)early_us * 1000)
		return;
	setitimer(ITIMER_REAL, &t, NULL);
	set_at = now;
}

/* waitpid with a bound: status, or -errno. */
static int wait_for(pid_t tid, uint64_t deadline, int *status)
{
	for (int lost = 0;;) {
		pid_t got = waitpid(tid, status, __WALL);
		if (got == tid)
			return 0;
		/* Whoever is taken for lost stays stopped if he is not: ask twice. */
		if (got < 0 && errno != EINTR && (errno != ECHILD || lost++))
			return -errno;
		if (clock_now() > deadline)
			return -EAGAIN;
	}
}

static uint64_t deadline(void)
{
	uint64_t now = clock_now();

	set_alarm(now);
	return now + LIMIT_STOP_WAIT_MS * MS;
}

static int is_group_stop(int status)
{
	int signal = WSTOPSIG(status);

	return status >> 16 == PTRACE_EVENT_STOP && signal != SIGTRAP;
}

/* What a stop asks us to pass on: the signal of a signal stop; nothing for our interrupt, and
 * nothing for a group stop, which DETACH leaves in force. A SIGTRAP without an event is the
 * program's own: seized threads get none for an exec (fs/exec.c). */
static int signal_of(int status)
{
	if (status >> 16 || is_group_stop(status))
		return 0;
	return WSTOPSIG(status);
}

static void set_free(struct tracee *t)
{
	t->tid = 0;
	t->late = 0;
	t->signal = 0;
}

/* It is still ours: tracee_collect goes on waiting for it. */
static void set_late(struct tracee *t, pid_t tid)
{
	t->tid = tid;
	t->late = 1;
}

/* A thread that is not let go stays stopped until we end, whatever the reason: try twice. */
static int detach(pid_t tid, int signal)
{
	return ptrace(PTRACE_DETACH, tid, 0, signal) == 0 ||
			       ptrace(PTRACE_DETACH, tid, 0, signal) == 0
		       ? 0
		       : -errno;
}

/* Likewise: without it the wait is in vain. */
static void interrupt(pid_t tid)
{
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

/* The leader inherited our attachment by exec: let it go. */
static void rescue_leader(struct tracee *t)
{
	int status;

	t->rescued++;
	interrupt(t->leader);
	int error = wait_for(t->leader, deadline(), &status);
	if (error == -EAGAIN) {
		set_late(t, t->leader);
		return;
	}
	if (!error && WIFSTOPPED(status))
		detach(t->leader, signal_of(status));
	set_free(t);
}

/* The stop, end or loss of the expected thread. 0 stopped, else as tracee_stop. */
static int expect(struct tracee *t)
{
	int status;
	int error = wait_for(t->tid, deadline(), &status);

	if (error == -EAGAIN) {
		set_late(t, t->tid);
		return -EAGAIN;
	}
	if (error == -ECHILD) {
		rescue_leader(t);
		return t->late ? -EAGAIN : -ESRCH;
	}
	if (error || !WIFSTOPPED(status)) {
		set_free(t);
		return -ESRCH;
	}
	t->is_held = is_group_stop(status);
	t->signal = signal_of(status);
	if (t->signal)
		t->signals++;
	return 0;
}

int tracee_stop(struct tracee *t, pid_t tid, pid_t leader)
{
	if (t->tid)
		return -EAGAIN;
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0)
		return errno == ESRCH ? -ESRCH : -EPERM;
	t->tid = tid;
	t->leader = leader;
	t->since = clock_now();
	/* ESRCH here: it ended since; the wait reaps it. */
	interrupt(tid);
	return expect(t);
}

int tracee_collect(struct tracee *t)
{
	struct user_regs_struct regs;
	int error = expect(t);

	if (error == -EAGAIN)
		return -EAGAIN;
	if (!error) {
		/* Nobody looks at it any more, but its call must not fail for that. */
		if (tracee_get_regs(t, &regs) == 0)
			tracee_mend_call(t, &regs);
		tracee_release(t);
	}
	return 0;
}

void tracee_settle(struct tracee *t)
{
	while (t->late && tracee_collect(t) == -EAGAIN &&
		clock_now() - t->since < LIMIT_STOP_GIVEUP_MS * MS)
		;
}

int tracee_get_regs(const struct tracee *t, struct user_regs_struct *regs)
{
	struct iovec iov = {regs, sizeof(*regs)};

	if (ptrace(PTRACE_GETREGSET, t->tid, NT_PRSTATUS, &iov) < 0)
		return -errno;
	/* A shorter set is a 32-bit thread's. */
	return iov.iov_len == sizeof(*regs) ? 0 : -ENOTSUP;
}

static int set_regs(const struct tracee *t, const struct user_regs_struct *regs)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	return ptrace(PTRACE_SETREGSET, t->tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

/* What is counted is no call any more (the kernel asks orig_rax only for whether to restart it), or
 * the next stop would count it again where the thread gets no CPU to return meanwhile. */
static void count_call(struct tracee *t, struct user_regs_struct *u, uint64_t *counter)
{
	u->orig_rax = -1;
	*counter += set_regs(t, u) == 0;
}

void tracee_mend_call(struct tracee *t, struct user_regs_struct *u)
{
	if (!regs_in_syscall(u))
		return;
	if (call_restarts_by_call(u)) {
		/* A filter may come at any time: asked each time, of threads that wait, which give
		 * no sample. */
		if (!call_is_filtered(t->tid))
			return;
		call_begin_anew(u);
		set_regs(t, u);
	} else if (call_repair(u)) {
		int error = set_regs(t, u);
		t->calls.repaired += !error;
		t->calls.failed += !!error;
	} else if (call_fails(u)) {
		count_call(t, u, &t->calls.failed);
	} else if (call_is_cut_short(u, t->tid)) {
		count_call(t, u, &t->calls.cut_short);
	}
}

void tracee_release(struct tracee *t)
{
	int status;

	if (detach(t->tid, t->signal) < 0) {
		int error = wait_for(t->tid, deadline(), &status);
		if (error == -ECHILD)
			rescue_leader(t);
		else if (error == -EAGAIN)
			set_late(t, t->tid);
		if (error == -ECHILD || error == -EAGAIN)
			return;
		if (!error && WIFSTOPPED(status))
			detach(t->tid, signal_of(status));
	}
	set_free(t);
}

int tracee_probe(void)
{
	/* No process has id -1: a kernel that lets us call answers ESRCH. */
	if (ptrace(PTRACE_DETACH, -1, 0, 0) < 0 && errno != ESRCH)
		return -errno;
	return 0;
}
