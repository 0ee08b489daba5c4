/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/probe/remote.h"
#include "agent/probe/way_back.h"
#include "agent/tracer/call.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/tracee.h"
#include "base/limits.h"
#include "base/list.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

#define SYSCALL_STOP (SIGTRAP | 0x80) /* with PTRACE_O_TRACESYSGOOD */
#define ROUNDS	     16u	      /* listings until no thread is new */
/* A thread may have to wait for its CPU, behind all that others have to do. To its first stop it
 * need not come at all; in a call it must be waited for: it has registers that are not its own. */
#define STOP_MS 400u
#define CALL_MS 60000u

/* --- waiting --- */

/* Ends waits again and again, until it is switched off: see tracee.c. */
static void set_alarm(int is_on)
{
	const long us = is_on ? LIMIT_STOP_WAIT_MS * 1000 : 0;
	struct itimerval t = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

/* The next stop of tid: its wait status; -EAGAIN not in time; -ESRCH it is gone. */
static int wait_stop(struct remote *r, pid_t tid, uint64_t most_ms, int *status)
{
	uint64_t deadline = clock_now() + most_ms * 1000000ull;

	for (;;) {
		pid_t got = waitpid(tid, status, __WALL);
		if (got == tid)
			return WIFSTOPPED(*status) ? 0 : -ESRCH;
		if (got < 0 && errno != EINTR)
			return -ESRCH;
		if (r->beat)
			r->beat(r->arg);
		if (clock_now() > deadline)
			return -EAGAIN;
	}
}

static int is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

static int get_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = {regs, sizeof(*regs)};

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static int set_regs(pid_t tid, const struct user_regs_struct *regs)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

/* --- all threads --- */

static struct remote_thread *find(const struct remote *r, pid_t tid)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].tid == tid)
			return &r->v[i];
	return NULL;
}

/* A thread that has ended, and is there until someone has waited for it, cannot be traced. */
static int has_ended(pid_t pid, pid_t tid)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (proc_file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 1;
	const char *state = strstr(text, "State:\t");
	return state && (state[7] == 'Z' || state[7] == 'X');
}

static int take_held(struct remote *r)
{
	struct remote_thread *t = &r->v[r->n++];

	*t = (struct remote_thread){.tid = r->held, .is_stopped = 1};
	r->kept = r->held;
	r->held = 0;
	return ptrace(PTRACE_SETOPTIONS, t->tid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
			       get_regs(t->tid, &t->regs) < 0
		       ? -REMOTE_GONE
		       : 1;
}

/* 1 it is to be waited for; 0 it is none; or -enum remote_refusal. */
static int seize(struct remote *r, pid_t tid)
{
	int error = list_room(&r->v, r->n, 1, &r->room, sizeof(*r->v), LIMIT_THREADS);

	if (error)
		return -REMOTE_DENIED;
	if (tid == r->held)
		return take_held(r);
	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		return errno == ESRCH || has_ended(r->pid, tid) ? 0 : -REMOTE_DENIED;
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	r->v[r->n++] = (struct remote_thread){.tid = tid};
	return 1;
}

/* Threads that are not ours yet. How many; or -enum remote_refusal. A zombie is no thread: the main
 * one may have ended. */
static int seize_new(struct remote *r)
{
	char path[32];
	struct dirent *e;
	int got = 0, n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", r->pid);
	DIR *d = opendir(path);
	if (!d)
		return -REMOTE_GONE;
	while (got >= 0 && (e = readdir(d))) {
		pid_t tid = atoi(e->d_name);
		if (tid <= 0 || find(r, tid))
			continue;
		got = seize(r, tid);
		n += got > 0;
	}
	closedir(d);
	return got < 0 ? got : n;
}

/* The first stop of one: 0, it is gone (1), or -enum remote_refusal. */
static int await(struct remote *r, struct remote_thread *t)
{
	int status, error = wait_stop(r, t->tid, STOP_MS, &status);

	if (error == -ESRCH)
		return 1;
	if (error)
		return -REMOTE_LATE;
	t->is_stopped = 1;
	if (is_event_stop(status) && WSTOPSIG(status) != SIGTRAP)
		return -REMOTE_STOPPED;
	if (!is_event_stop(status))
		t->signal = status >> 16 ? 0 : WSTOPSIG(status);
	return get_regs(t->tid, &t->regs) < 0 ? -REMOTE_DENIED : 0;
}

static int await_all(struct remote *r)
{
	for (uint32_t i = 0; i < r->n;) {
		struct remote_thread *t = &r->v[i];
		int error = t->is_stopped ? 0 : await(r, t);
		if (error < 0)
			return error;
		if (error)
			*t = r->v[--r->n];
		else
			i++;
	}
	return 0;
}

int remote_stop(struct remote *r, pid_t pid)
{
	int n, error = 0;

	r->pid = pid;
	r->n = 0;
	r->stopped_at = clock_now();
	set_alarm(1);
	for (uint32_t round = 0; round < ROUNDS && !error; round++) {
		n = seize_new(r);
		if (n == 0)
			break;
		error = n < 0 ? n : await_all(r);
	}
	set_alarm(0);
	if (!error && !r->n)
		error = -REMOTE_GONE;
	if (error)
		remote_release(r);
	return error;
}

/* What the stop did to its call. */
static void mend(struct remote_thread *t)
{
	struct tracee as = {.tid = t->tid};

	if (regs_in_syscall(&t->regs))
		tracee_mend_call(&as, &t->regs);
}

/* One that has not stopped yet cannot be let go: it stops late, and is met then. */
static void let_go(struct remote *r, struct remote_thread *t)
{
	int status;

	if (!t->is_stopped) {
		int error;
		set_alarm(1);
		while ((error = wait_stop(r, t->tid, CALL_MS, &status)) == -EAGAIN)
			;
		set_alarm(0);
		if (error)
			return;
		t->is_stopped = 1;
		t->signal = status >> 16 ? 0 : WSTOPSIG(status);
		if (get_regs(t->tid, &t->regs) < 0)
			t->regs.orig_rax = -1;
	}
	if (t->is_changed)
		set_regs(t->tid, &t->regs);
	mend(t);
	if (t->tid == r->kept) {
		r->kept = 0;
		ptrace(PTRACE_SETOPTIONS, t->tid, 0, PTRACE_O_TRACEEXEC);
		ptrace(PTRACE_CONT, t->tid, 0, t->signal);
		return;
	}
	if (ptrace(PTRACE_DETACH, t->tid, 0, t->signal) < 0)
		/* Killed in its stop: it is reaped, or an exec waits for that. */
		waitpid(t->tid, &status, __WALL | WNOHANG);
}

void remote_release(struct remote *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].is_stopped)
			let_go(r, &r->v[i]);
	for (uint32_t i = 0; i < r->n; i++)
		if (!r->v[i].is_stopped)
			let_go(r, &r->v[i]);
	r->n = 0;
	uint64_t took = clock_now() - r->stopped_at;
	if (took > r->longest)
		r->longest = took;
}

void remote_fini(struct remote *r)
{
	free(r->v);
	*r = (struct remote){0};
}

/* --- calls --- */

/* To the next stop at a system call; 0 or -EIO. Every signal is blocked, so what else comes is a
 * stop by job control, which goes on waiting in the thread's queue. */
static int step_call(struct remote *r, pid_t tid)
{
	int status;

	for (int tries = 0; tries < 8; tries++) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, 0) < 0 ||
			wait_stop(r, tid, CALL_MS, &status) < 0)
			return -EIO;
		if (WSTOPSIG(status) == SYSCALL_STOP && !(status >> 16))
			return 0;
	}
	return -EIO;
}

/* Back to where the kernel decides whether an interrupted call is made again: it does not ask after
 * a stop at a call. */
static int back_to_interrupt(struct remote *r, pid_t tid)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return -EIO;
	for (int tries = 0; tries < 8; tries++) {
		if (ptrace(PTRACE_CONT, tid, 0, 0) < 0 || wait_stop(r, tid, CALL_MS, &status) < 0)
			return -EIO;
		if (is_event_stop(status))
			return 0;
	}
	return -EIO;
}

/* One that has room for a way back; that waits for nothing, if there is one: its call is not begun
 * anew, however short. */
static struct remote_thread *caller(const struct remote *r)
{
	struct remote_thread *best = NULL;
	int best_rank = -1;

	for (uint32_t i = 0; i < r->n; i++) {
		struct remote_thread *t = &r->v[i];
		int rank = 2 * (t->room >= WAY_BACK_MAX) + !regs_in_syscall(&t->regs);
		if (!t->signal && rank > best_rank) {
			best = t;
			best_rank = rank;
		}
	}
	return best;
}

/* Puts it on the thread's stack; the stack pointer for the call. */
static uint64_t lay_way_back(const struct remote *r, const struct remote_thread *t, uint64_t mask)
{
	static uint8_t extended[16384], frame[WAY_BACK_MAX];
	struct iovec iov = {extended, sizeof(extended)};
	uint64_t at;

	if (!r->restore || t->room < WAY_BACK_MAX ||
		ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE, &iov) < 0)
		return t->regs.rsp;
	size_t n = way_back_make(&t->regs, mask, extended, iov.iov_len, r->restore, frame, &at);
	struct iovec local = {frame, n}, remote = {(void *)(uintptr_t)at, n};
	if (!n || process_vm_writev(t->tid, &local, 1, &remote, 1, 0) != (ssize_t)n)
		return t->regs.rsp;
	return at;
}

static void prepare_call(
	const struct remote *r, struct user_regs_struct *regs, long number, const uint64_t args[6])
{
	regs->rip = r->instruction;
	regs->rax = number;
	regs->orig_rax = -1; /* no call to be restarted */
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
}

static long call(struct remote *r, pid_t tid, struct user_regs_struct *regs, long number)
{
	if (step_call(r, tid) < 0 || get_regs(tid, regs) < 0)
		return -EIO;
	/* At the entry of some call: of ours, or somebody else's mind is at work here. */
	if ((long)regs->orig_rax != number || step_call(r, tid) < 0 || get_regs(tid, regs) < 0)
		return -EIO;
	return regs->rax;
}

/* At each point the thread has the registers of the call, from where it finds its way back with its
 * mask, or all that is its own. */
long remote_call(struct remote *r, long number, const uint64_t args[6])
{
	struct remote_thread *t = caller(r);
	uint64_t all = ~0ull, before;

	if (!t || !r->instruction || ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(before), &before) < 0)
		return -EIO;
	struct user_regs_struct regs = t->regs;
	regs.rsp = lay_way_back(r, t, before);
	prepare_call(r, &regs, number, args);
	set_alarm(1);
	long result = -EIO;
	if (set_regs(t->tid, &regs) == 0 &&
		ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all) == 0)
		result = call(r, t->tid, &regs, number);
	back_to_interrupt(r, t->tid);
	set_alarm(0);
	ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(before), &before);
	set_regs(t->tid, &t->regs);
	return result;
}
