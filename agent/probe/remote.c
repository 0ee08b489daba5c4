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

#include "agent/probe/remote_parts.h"
#include "agent/tracer/call.h"
#include "agent/tracer/clock.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_stat.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/status_text.h"
#include "agent/tracer/tracee.h"
#include "base/limits.h"
#include "base/list.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

#define ROUNDS 16u /* listings until no thread is new */

/* --- waiting --- */

void remote_set_alarm(int is_on)
{
	const long us = is_on ? LIMIT_STOP_WAIT_MS * 1000 : 0;
	struct itimerval t = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

int remote_wait(struct remote *r, pid_t tid, uint64_t most_ms, int *status)
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

int remote_is_event(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

int remote_get_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec iov = {regs, sizeof(*regs)};

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

int remote_set_regs(pid_t tid, const struct user_regs_struct *regs)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

int remote_move(struct remote_thread *t, uint64_t pc)
{
	if (t->regs.rip == pc)
		return 0;
	t->regs.rip = pc;
	return remote_set_regs(t->tid, &t->regs);
}

int remote_poke(const struct remote *r, uint64_t at, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n) {
		uint64_t word = at & -8ull, old;
		size_t skip = at - word, part = n < 8 - skip ? n : 8 - skip;
		errno = 0;
		old = ptrace(PTRACE_PEEKDATA, r->v[0].tid, word, 0);
		if (errno)
			return -errno;
		memcpy((uint8_t *)&old + skip, from, part);
		if (ptrace(PTRACE_POKEDATA, r->v[0].tid, word, old) < 0)
			return -errno;
		at += part, from += part, n -= part;
	}
	return 0;
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
	struct status_text status;

	if (status_text_read(&status, pid, tid) < 0)
		return 1;
	char state = status_text_state(&status);
	return state == 'Z' || state == 'X';
}

static int take_held(struct remote *r)
{
	struct remote_thread *t = &r->v[r->n++];

	*t = (struct remote_thread){.tid = r->held, .is_stopped = 1};
	r->kept = r->held;
	r->held = 0;
	return ptrace(PTRACE_SETOPTIONS, t->tid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
			       remote_get_regs(t->tid, &t->regs) < 0
		       ? -REMOTE_GONE
		       : 1;
}

/* Its filter is not asked while we hold it, where the kernel lets us say so. */
static int take(struct remote *r, pid_t tid)
{
	if (r->suspends &&
		!ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP))
		return 0;
	int error = ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD);
	r->suspends &= error < 0;
	return error;
}

/* 1 it is to be waited for; 0 it is none; or -enum remote_refusal. */
static int seize(struct remote *r, pid_t tid)
{
	int error = list_room(&r->v, r->n, 1, &r->room, sizeof(*r->v), LIMIT_THREADS);

	if (error)
		return -REMOTE_DENIED;
	if (tid == r->held)
		return take_held(r);
	if (take(r, tid) < 0)
		return errno == ESRCH || has_ended(r->pid, tid) ? 0 : -REMOTE_DENIED;
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	r->v[r->n++] = (struct remote_thread){.tid = tid};
	return 1;
}

/* Whether the thread runs, or wants to. */
static int is_runnable(pid_t pid, pid_t tid)
{
	char path[64], text[1024];
	struct proc_stat stat;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	int n = proc_file_read(AT_FDCWD, path, text, sizeof(text));
	return n > 0 && proc_stat_parse(text, n, &stat) == 0 && stat.state == 'R';
}

/* Threads that are not ours yet, those that sleep only, or all. How many; or -enum remote_refusal.
 * A zombie is no thread: the main one may have ended. */
static int seize_new(struct remote *r, int only_sleeping)
{
	char path[32];
	struct dirent *e;
	int got = 0, n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", r->pid);
	DIR *d = opendir(path);
	if (!d)
		return -REMOTE_GONE;
	while (got >= 0 && !(r->is_one && n) && (e = readdir(d))) {
		pid_t tid = atoi(e->d_name);
		if (tid <= 0 || find(r, tid) || (only_sleeping && is_runnable(r->pid, tid)))
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
	uint32_t patience = r->patience_ms ? r->patience_ms : REMOTE_STOP_MS;
	int status, error = remote_wait(r, t->tid, patience, &status);

	if (error == -ESRCH)
		return 1;
	if (error)
		return -REMOTE_LATE;
	t->is_stopped = 1;
	if (remote_is_event(status) && WSTOPSIG(status) != SIGTRAP)
		return -REMOTE_STOPPED;
	if (!remote_is_event(status))
		t->signal = status >> 16 ? 0 : WSTOPSIG(status);
	if (remote_get_regs(t->tid, &t->regs) < 0)
		return -REMOTE_DENIED;
	r->rescued += remote_bring_home(t);
	return 0;
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

static int stop(struct remote *r, pid_t pid, int is_one)
{
	int n, error = 0;

	r->pid = pid;
	r->is_one = is_one;
	r->n = 0;
	r->stopped_at = clock_now();
	remote_set_alarm(1);
	/* Who sleeps has to get a CPU to reach its stop, and the others need not wait for that. */
	for (uint32_t round = is_one; round < ROUNDS && !error; round++) {
		n = is_one && r->n ? 0 : seize_new(r, !round);
		if (n == 0 && round)
			break;
		error = n < 0 ? n : await_all(r);
	}
	remote_set_alarm(0);
	if (!error && !r->n)
		error = -REMOTE_GONE;
	if (error)
		remote_release(r);
	return error;
}

int remote_stop(struct remote *r, pid_t pid)
{
	return stop(r, pid, 0);
}

int remote_stop_one(struct remote *r, pid_t pid)
{
	return stop(r, pid, 1);
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
		remote_set_alarm(1);
		while ((error = remote_wait(r, t->tid, REMOTE_CALL_MS, &status)) == -EAGAIN)
			;
		remote_set_alarm(0);
		if (error)
			return;
		t->is_stopped = 1;
		t->signal = status >> 16 ? 0 : WSTOPSIG(status);
		if (remote_get_regs(t->tid, &t->regs) < 0)
			t->regs.orig_rax = -1;
	}
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
	/* Those that wait in a call last: what is asked for them takes time, and they do not mind.
	 */
	for (int waits = 0; waits < 2; waits++)
		for (uint32_t i = 0; i < r->n; i++)
			if (r->v[i].is_stopped && regs_in_syscall(&r->v[i].regs) == waits)
				let_go(r, &r->v[i]);
	uint64_t took = clock_now() - r->stopped_at;
	for (uint32_t i = 0; i < r->n; i++)
		if (!r->v[i].is_stopped)
			let_go(r, &r->v[i]);
	r->n = 0;
	if (!r->is_one && took > r->longest)
		r->longest = took;
}

void remote_fini(struct remote *r)
{
	free(r->v);
	*r = (struct remote){0};
}
