/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: ptrace(2), kernel/ptrace.c, kernel/fork.c. PTRACE_EVENT_CLONE is reported for what is
 * neither vfork nor a child that ends with SIGCHLD; those are not attached to.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "agent/tracer/attached.h"
#include "agent/tracer/tracee.h"

/* No PTRACE_O_EXITKILL: our end must never be the target's. */
#define OPTIONS (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

int attached_seize(pid_t tid)
{
	return ptrace(PTRACE_SEIZE, tid, 0, OPTIONS) < 0 ? -errno : 0;
}

static enum attached_event event_of(int status)
{
	switch (status >> 16) {
	case 0:
		return ATTACHED_SIGNAL;
	case PTRACE_EVENT_CLONE:
		return ATTACHED_CLONE;
	case PTRACE_EVENT_EXEC:
		return ATTACHED_EXEC;
	default:
		return WSTOPSIG(status) == SIGTRAP ? ATTACHED_TRAP : ATTACHED_GROUP;
	}
}

static int next_of(pid_t of, struct attached_stop *stop, int may_wait)
{
	int status;
	pid_t tid = waitpid(of, &status, __WALL | __WNOTHREAD | (may_wait ? 0 : WNOHANG));

	if (tid <= 0)
		return tid < 0 && errno == ECHILD ? -ECHILD : 0;
	stop->tid = tid;
	stop->event = WIFSTOPPED(status) ? event_of(status) : ATTACHED_END;
	stop->signal = stop->event == ATTACHED_SIGNAL ? WSTOPSIG(status) : 0;
	return 1;
}

int attached_next(struct attached_stop *stop, int may_wait)
{
	return next_of(-1, stop, may_wait);
}

int attached_next_of(pid_t tid, struct attached_stop *stop)
{
	return next_of(tid, stop, 0);
}

pid_t attached_subject(pid_t tid)
{
	unsigned long subject = 0;

	return ptrace(PTRACE_GETEVENTMSG, tid, 0, &subject) < 0 ? 0 : (pid_t)subject;
}

/* That one fails only for a thread that was killed meanwhile: its end comes next. */
void attached_go_on(pid_t tid, int signal)
{
	ptrace(PTRACE_CONT, tid, 0, signal);
}

void attached_follow(pid_t tid)
{
	ptrace(PTRACE_SETOPTIONS, tid, 0, PTRACE_O_TRACEEXEC);
	attached_go_on(tid, 0);
}

void attached_stay(pid_t tid)
{
	ptrace(PTRACE_LISTEN, tid, 0, 0);
}

void attached_let_go(pid_t tid)
{
	ptrace(PTRACE_DETACH, tid, 0, 0);
}

int attached_seize_command(pid_t tid)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	return ptrace(PTRACE_SEIZE, tid, 0, options) < 0 ? -errno : 0;
}

void attached_interrupt(pid_t tid)
{
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

static int set_debug_register(pid_t tid, int number, uint64_t value)
{
	const size_t at = offsetof(struct user, u_debugreg) + number * sizeof(uint64_t);

	return ptrace(PTRACE_POKEUSER, tid, at, value) < 0 ? -errno : 0;
}

/* Intel SDM, volume 3, chapter 18: of DR7 bit 0 is for DR0, bit 2 for DR1; zeros above: they stop
 * instructions. */
int attached_break_at(pid_t tid, uint64_t one, uint64_t other)
{
	int error = set_debug_register(tid, 7, 0);

	if (!error)
		error = set_debug_register(tid, 0, one);
	if (!error)
		error = set_debug_register(tid, 1, other);
	if (!error && (one || other))
		error = set_debug_register(tid, 7, (one ? 1u : 0) | (other ? 4u : 0));
	return error;
}

uint64_t attached_pc(pid_t tid)
{
	errno = 0;
	long pc = ptrace(PTRACE_PEEKUSER, tid, offsetof(struct user_regs_struct, rip), 0);
	return errno ? 0 : (uint64_t)pc;
}
