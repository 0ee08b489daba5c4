/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/probe/remote_parts.h"
#include "agent/tracer/call.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_stat.h"
#include "agent/tracer/proc_status.h"
#include "agent/tracer/regs.h"
#include "agent/tracer/tracee.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/now.h"

#define ROUNDS	16u	  /* listings until no thread is new */
#define LOOK_NS 200000ull /* between two looks at those that are late */

/* --- waiting --- */

void remote_set_alarm(struct remote *r, int is_on)
{
	const long us = LIMIT_STOP_WAIT_MS * 1000;
	const struct itimerval t = {{0, us}, {0, us}};

	if (is_on)
		setitimer(ITIMER_REAL, &t, &r->alarm);
	else
		setitimer(ITIMER_REAL, &r->alarm, NULL);
}

int remote_wait(struct remote *r, pid_t tid, uint64_t most_ms, int *status)
{
	uint64_t deadline = clock_now() + most_ms * 1000000ull;

	for (int lost = 0;;) {
		pid_t got = waitpid(tid, status, __WALL);
		if (got == tid)
			return WIFSTOPPED(*status) ? 0 : -ESRCH;
		/* Whoever is taken for lost stays stopped if he is not: ask twice. */
		if (got < 0 && errno != EINTR && (errno != ECHILD || lost++))
			return -errno;
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

/* --- all threads --- */

static struct remote_thread *find(const struct remote *r, pid_t tid)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].tid == tid)
			return &r->v[i];
	return NULL;
}

/* The same for a listing's next: they come in the same order each time. */
static struct remote_thread *find_next(const struct remote *r, pid_t tid, uint32_t *next)
{
	if (*next < r->n && r->v[*next].tid == tid)
		return &r->v[(*next)++];
	struct remote_thread *t = find(r, tid);
	*next = t ? t - r->v + 1 : *next;
	return t;
}

/* A thread that has ended, and is there until someone has waited for it, cannot be traced. */
static int has_ended(pid_t pid, pid_t tid)
{
	struct proc_status status;

	if (proc_status_of(tid, &status) < 0 || proc_status_number(&status, "Tgid") != pid)
		return 1;
	const char *state = proc_status_value(&status, "State");
	return state && (*state == 'Z' || *state == 'X');
}

/* --- exec --- */

/* Whether we are attached to it; then it stops, if it does not by now. */
static int interrupt(pid_t tid)
{
	return ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0 || errno != ESRCH ||
	       ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0;
}

/* There is no such thread of ours any more. If its exec gave it the main thread's number, our
 * interrupt went with it, and what is known by that number is of a thread that is no more. 1: it is
 * to be waited for by that number; 0: it is gone. */
static int follow_exec(struct remote *r, struct remote_thread *t)
{
	struct remote_thread *leader = find(r, r->pid);

	if (t->tid == r->pid || !interrupt(r->pid))
		return 0;
	/* Its stop was met by that number already, as the main one's: that entry lets it go. */
	if (leader && (leader->is_stopped || leader->has_status) &&
		remote_get_regs(r->pid, &leader->regs) == 0) {
		r->is_killed = 1;
		return 0;
	}
	if (leader)
		leader->is_gone = 1;
	*t = (struct remote_thread){.tid = r->pid};
	return 1;
}

/* An exec kills the other threads, waits until we have reaped those that are ours, and holds a lock
 * meanwhile, for which PTRACE_SEIZE waits. So they are reaped out of there: by the alarm. */
static struct remote *volatile seizing;

static void on_alarm(int signal)
{
	struct remote *r = seizing;
	int error = errno;

	(void)signal;
	if (!r || gettid() != getpid())
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		struct remote_thread *t = &r->v[i];
		if (t->has_status || waitpid(t->tid, &t->status, __WALL | WNOHANG) != t->tid)
			continue;
		t->has_status = 1;
		r->is_killed |= t->is_stopped;
	}
	errno = error;
}

/* --- stops --- */

static int take_held(struct remote *r)
{
	const long options = PTRACE_O_TRACESYSGOOD | (r->held_ends ? PTRACE_O_EXITKILL : 0);
	struct remote_thread *t = &r->v[r->n++];

	*t = (struct remote_thread){.tid = r->held, .is_stopped = 1};
	r->kept = r->held;
	r->held = 0;
	return ptrace(PTRACE_SETOPTIONS, t->tid, 0, options) < 0 ||
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
	/* The main one may have ended for an exec, and by the time we look its number be another
	 * thread's. */
	for (int tries = 0; tries < 3; tries++) {
		seizing = r;
		error = take(r, tid) < 0 ? errno : 0;
		seizing = NULL;
		if (error == ESRCH || (error && has_ended(r->pid, tid)))
			return 0;
		if (!error)
			break;
	}
	if (error)
		return -REMOTE_DENIED;
	interrupt(tid);
	r->v[r->n++] = (struct remote_thread){.tid = tid};
	return r->is_killed ? -REMOTE_LATE : 1;
}

/* Whether the thread runs, or wants to. (Under /proc/TID the kernel would add up all threads.) */
static int is_runnable(pid_t pid, pid_t tid)
{
	char path[64];
	struct proc_stat stat;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	return proc_stat_take(proc_file_open(AT_FDCWD, path), &stat) == 0 && stat.state == 'R';
}

/* Threads that are not ours yet, those that sleep only, or all. How many; or -enum remote_refusal.
 * A zombie is no thread: the main one may have ended. */
static int seize_new(struct remote *r, int only_sleeping)
{
	char path[32];
	struct dirent *e;
	uint32_t next = 0;
	int got = 0, n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", r->pid);
	DIR *d = opendir(path);
	if (!d)
		return -REMOTE_GONE;
	while (got >= 0 && !(r->is_one && r->n) && (e = readdir(d))) {
		pid_t tid = atoi(e->d_name);
		if (tid <= 0 || find_next(r, tid, &next) ||
			(only_sleeping && is_runnable(r->pid, tid)))
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
	int status, error;

	if (t->has_status)
		error = WIFSTOPPED(status = t->status) ? 0 : -ESRCH;
	else
		error = remote_wait(r, t->tid, patience, &status);
	t->has_status = 0;
	if (error == -ESRCH || (error == -ECHILD && !follow_exec(r, t)))
		return 1;
	if (error)
		return -REMOTE_LATE;
	t->is_stopped = 1;
	if (remote_is_event(status) && WSTOPSIG(status) != SIGTRAP)
		return -REMOTE_STOPPED;
	if (!remote_is_event(status))
		t->signal = status >> 16 ? 0 : WSTOPSIG(status);
	/* Killed in its stop, by an exec. */
	if (remote_get_regs(t->tid, &t->regs) < 0)
		return -REMOTE_LATE;
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

/* --- and on again --- */

/* What the stop did to its call. */
static void mend(struct remote_thread *t)
{
	struct tracee as = {.tid = t->tid};

	if (regs_in_syscall(&t->regs))
		tracee_mend_call(&as, &t->regs);
}

/* It is in a stop. 1 it is free; 0: it was killed there, which is still to be met. */
static int let_go(struct remote *r, struct remote_thread *t)
{
	mend(t);
	if (t->tid == r->kept)
		return 1;
	t->is_stopped = 0;
	return ptrace(PTRACE_DETACH, t->tid, 0, t->signal) == 0 ||
	       ptrace(PTRACE_DETACH, t->tid, 0, t->signal) == 0;
}

/* The main one is not ours any more, or has ended before others: then nobody is told of that until
 * they have ended, too. */
static int is_past_leader(struct remote *r, const struct remote_thread *t)
{
	if (t->tid != r->pid)
		return 0;
	if (!interrupt(t->tid))
		return 1;
	if (!has_ended(r->pid, t->tid))
		return 0;
	r->unreaped = t->tid;
	return 1;
}

/* One whose stop, or end, is still to come. 1 it is free, or gone; 0 not yet. */
static int meet(struct remote *r, struct remote_thread *t)
{
	int status = t->status;

	if (t->is_gone)
		return 1;
	pid_t got = t->has_status ? t->tid : waitpid(t->tid, &status, __WALL | WNOHANG);
	t->has_status = 0;
	if (got <= 0)
		return got < 0 ? !follow_exec(r, t) : is_past_leader(r, t);
	if (!WIFSTOPPED(status))
		return 1;
	t->is_stopped = 1;
	/* At the end of a call of ours (0x80) there is none either. */
	t->signal = status >> 16 || (WSTOPSIG(status) & 0x80) ? 0 : WSTOPSIG(status);
	if (remote_get_regs(t->tid, &t->regs) < 0)
		t->regs.orig_rax = -1;
	else
		r->rescued += remote_bring_home(t); /* one that did not come back from a call */
	return let_go(r, t);
}

/* Nobody is held any more. */
static void meet_all(struct remote *r)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < r->n; i++)
		if (!meet(r, &r->v[i]))
			r->v[left++] = r->v[i];
	r->n = left;
}

uint32_t remote_attend(struct remote *r)
{
	int status;

	r->n = r->n_late;
	meet_all(r);
	r->n_late = r->n;
	r->n = 0;
	if (r->unreaped && !r->n_late && waitpid(r->unreaped, &status, __WALL | WNOHANG))
		r->unreaped = 0;
	return r->n_late;
}

void remote_expect(struct remote *r, pid_t tid)
{
	/* There is, but where 131072 are late already. */
	if (list_room(&r->v, r->n_late, 1, &r->room, sizeof(*r->v), LIMIT_THREADS))
		return;
	r->pid = tid;
	r->kept = 0;
	r->v[r->n_late++] = (struct remote_thread){.tid = tid};
}

static uint32_t meet_late(struct remote *r, uint32_t most_ms)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	const uint64_t until = clock_now() + most_ms * 1000000ull;

	while (remote_attend(r) && clock_now() < until) {
		nanosleep(&pause, NULL);
		if (r->beat)
			r->beat(r->arg);
	}
	return r->n_late;
}

void remote_release(struct remote *r)
{
	uint32_t left = 0;

	/* Those that wait in a call last: what is asked for them takes time, and they do not mind.
	 */
	for (int waits = 0; waits < 2; waits++)
		for (uint32_t i = 0; i < r->n; i++)
			if (r->v[i].is_stopped && !r->v[i].is_gone &&
				regs_in_syscall(&r->v[i].regs) == waits)
				r->v[i].is_gone = let_go(r, &r->v[i]);
	uint64_t took = clock_now() - r->stopped_at;
	for (uint32_t i = 0; i < r->n; i++)
		if (!r->v[i].is_gone)
			r->v[left++] = r->v[i];
	r->n = 0;
	r->n_late = left;
	if (!r->is_one && took > r->longest)
		r->longest = took;
	meet_late(r, LIMIT_STOP_GIVEUP_MS);
}

/* --- all of it --- */

/* A listing ends early, or goes on by position, where the thread that it stands at ends meanwhile
 * (fs/proc/base.c, next_tid): it may miss one. Their number is exact, with a main one that has
 * ended. */
static int has_all(const struct remote *r)
{
	struct proc_status status;

	return proc_status_of(r->v[0].tid, &status) == 0 &&
	       proc_status_number(&status, "Threads") == (long)r->n + !find(r, r->pid);
}

/* No exec has put another program in the place of those that are held. */
static int is_whole(const struct remote *r)
{
	struct user_regs_struct regs;

	return !r->is_killed && (!find(r, r->pid) || remote_get_regs(r->pid, &regs) == 0);
}

static int stop_them(struct remote *r)
{
	/* Who sleeps has to get a CPU to reach its stop, and the others need not wait for that. */
	for (uint32_t round = r->is_one; round < ROUNDS; round++) {
		int n = r->is_one && r->n ? 0 : seize_new(r, !round);
		if (n == 0 && round && !r->n)
			return -REMOTE_GONE;
		if (n == 0 && round && (r->is_one || has_all(r)))
			return is_whole(r) ? 0 : -REMOTE_LATE;
		int error = n < 0 ? n : await_all(r);
		if (error)
			return error;
	}
	return -REMOTE_LATE;
}

static int stop(struct remote *r, pid_t pid, int is_one)
{
	const struct sigaction ours = {.sa_handler = on_alarm};
	struct sigaction theirs;

	r->kept = 0;
	r->stopped_at = clock_now();
	if (meet_late(r, r->patience_ms ? r->patience_ms : REMOTE_STOP_MS))
		return -REMOTE_LATE;
	r->pid = pid;
	r->is_one = is_one;
	r->is_killed = 0;
	r->stopped_at = clock_now();
	sigaction(SIGALRM, &ours, &theirs);
	remote_set_alarm(r, 1);
	int error = stop_them(r);
	remote_set_alarm(r, 0);
	sigaction(SIGALRM, &theirs, NULL);
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

void remote_fini(struct remote *r)
{
	free(r->v);
	*r = (struct remote){0};
}
